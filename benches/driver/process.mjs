// Processes as the operating system sees them: what they cost, and how they end.

import { spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

// Ticks per second of /proc/PID/stat; the kernel shows 100 on every machine of today.
const TICK = 100

const started = new Set()

// Starts a program on one core. Everything it starts belongs to its group and ends with it.
export const start = (core, command, { quiet = true } = {}) => {
  const pinned = core === undefined ? command : ['taskset', '-c', String(core), ...command]
  const child = spawn(pinned[0], pinned.slice(1), { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const run = { pid: child.pid, stdout: '', stderr: '', code: undefined }
  child.stdout.on('data', (data) => (run.stdout = (run.stdout + data).slice(-100_000)))
  child.stderr.on('data', (data) => {
    run.stderr = (run.stderr + data).slice(-10_000)
    if (!quiet) process.stderr.write(data)
  })
  run.ended = new Promise((resolve) => {
    child.on('error', (error) => {
      run.stderr += error.message
      run.code = -1
      started.delete(run)
      resolve(run)
    })
    child.on('close', (code) => {
      run.code ??= code
      started.delete(run)
      resolve(run)
    })
  })
  started.add(run)
  return run
}

// Ends a program's group, politely first.
export const stop = async (run) => {
  if (run.code !== undefined) return
  signal(run, 'SIGTERM')
  const late = setTimeout(() => signal(run, 'SIGKILL'), 5_000)
  await run.ended
  clearTimeout(late)
}

export const stopAll = () => Promise.all([...started].map(stop))

const signal = (run, name) => {
  try {
    process.kill(-run.pid, name)
  } catch {
    // It has ended by itself.
  }
}

// The process and all it has started.
const family = (pid) => {
  const parents = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => [Number(entry), status(entry)?.parent])
  const members = new Set([pid])
  for (let before = 0; before < members.size; ) {
    before = members.size
    for (const [child, parent] of parents) if (members.has(parent)) members.add(child)
  }
  return [...members]
}

const status = (pid) => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name may have anything in it; what follows it has not.
    const rest = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { parent: Number(rest[1]), cpu: (Number(rest[11]) + Number(rest[12])) / TICK }
  } catch {
    return undefined
  }
}

// CPU seconds of the threads that live, to the nanosecond, where the kernel keeps them.
const threads = (pid) => {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`)
    return tasks.reduce((sum, task) => {
      const text = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8')
      return sum + Number(text.split(' ')[0]) / 1e9
    }, 0)
  } catch {
    return undefined
  }
}

// CPU seconds so far, user and system.
export const cpu = (run) => family(run.pid).reduce((sum, pid) => sum + (threads(pid) || status(pid)?.cpu || 0), 0)

// Resident memory in KiB.
export const resident = (run) =>
  family(run.pid).reduce((sum, pid) => {
    try {
      const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
      return sum + Number(line?.[1] ?? 0)
    } catch {
      return sum
    }
  }, 0)
