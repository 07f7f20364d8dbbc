// What Artillery's scenario cannot say by itself: who shares a room with whom.

import { threadId } from 'node:worker_threads'

let arrived = 0

export const takeRoom = (context, _events, done) => {
  const group = Number(context.vars.group)
  context.vars.room = `a${threadId}.${Math.floor(arrived++ / group)}`
  done()
}
