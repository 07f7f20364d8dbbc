#!/usr/bin/env node
// Measures Assize and its peers side by side and writes benches/results/. `benches/run.mjs --help`.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generators, paths } from './driver/generators.mjs'
import { machine } from './driver/machine.mjs'
import { measure } from './driver/measure.mjs'
import { stopAll } from './driver/process.mjs'
import { json, markdown, summary } from './driver/results.mjs'
import { EXTENTS } from './driver/experiments.mjs'

const HELP = `Usage: benches/run.mjs [OPTIONS]

Measures size and speed of Assize beside a minimal client, a Node script and Artillery, each against a
server process of its own. \`make bench\` builds what it needs.

  --quick            short windows, one run of each, few clients: do the instruments work?
  --full             long windows, five runs of each, 18,000 clients, everybody: about two hours
  --runs N           runs of each measurement (3 of what is compared closely, 1 of all else)
  --minutes N        after so many minutes no further measurement begins (14; quick 10, full 180)
  --only WORDS       only measurements whose name has one of these words, separated by commas
  --who WORDS        only generators whose name has one of these words, separated by commas
  --no-pin           leaves it to the kernel who runs on which core
  --out NAME         the name of the files in benches/results/ (latest)
  --list             says what would be measured`

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    full: { type: 'boolean' },
    minutes: { type: 'string' },
    runs: { type: 'string' },
    only: { type: 'string' },
    who: { type: 'string' },
    'no-pin': { type: 'boolean' },
    out: { type: 'string', default: 'latest' },
    list: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
})

const fits = (name, words) => !words || words.split(',').some((word) => name.includes(word.trim()))

const say = (text) => process.stderr.write(`${text}\n`)

// Every measurement of every run, in an order in which all generators have the same weather: the runs
// are rounds, and each round has everybody once.
const agenda = ({ experiments, rounds }) => {
  const times = (experiment, name) => Number(options.runs ?? rounds ?? experiment.rounds(name))
  const takesPart = (experiment, { name, most }) =>
    experiment.who(name) && fits(name, options.who) && experiment.work.clients <= most
  const all = experiments
    .filter(({ name }) => fits(name, options.only))
    .flatMap((experiment) =>
      generators
        .filter((generator) => takesPart(experiment, generator))
        .flatMap((generator) =>
          Array.from({ length: times(experiment, generator.name) }, (_, round) => ({ round, experiment, generator })),
        ),
    )
  return all.sort((one, other) => one.round - other.round)
}

const main = async () => {
  if (options.help) return console.log(HELP)
  const name = options.quick ? 'quick' : options.full ? 'full' : 'usual'
  const extent = EXTENTS[name]
  const plan = agenda(extent)
  if (options.list) {
    return console.log(plan.map(({ round, experiment, generator }) => `${round + 1}. ${experiment.name}: ${generator.name}`).join('\n'))
  }
  const artillery = plan.some(({ generator }) => generator.name === 'Artillery') ? [paths.artillery] : []
  for (const needed of [paths.assize, paths.server, paths.client, ...artillery]) {
    if (!existsSync(needed)) throw new Error(`\`${needed}\` is missing\nhint: \`make bench\` builds everything first`)
  }
  const cores = options['no-pin'] || availableParallelism() < 2 ? [undefined, undefined] : [0, 1]
  const began = await machine()
  const measured = []
  const end = Date.now() + Number(options.minutes ?? extent.minutes) * 60_000
  for (const [index, { round, experiment, generator }] of plan.entries()) {
    if (Date.now() > end) {
      say(`the time is over: ${plan.length - index} of ${plan.length} measurements are left out`)
      break
    }
    const figures = await measure(generator, experiment.work, { ...extent.times, cores }).catch((error) => ({
      error: error.message,
    }))
    measured.push({ experiment: experiment.name, generator: generator.name, round, ...figures })
    say(`${index + 1}/${plan.length} ${experiment.name}: ${generator.name}: ${summary(figures)}`)
  }
  const leftOut = plan.length - measured.length
  const result = { machine: began, load: (await machine()).load, extent: name, leftOut, pinned: cores[0] !== undefined, measured }
  const folder = join(paths.benches, 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${options.out}.json`), json(result))
  writeFileSync(join(folder, `${options.out}.md`), markdown(result, extent.experiments))
  say(`written: benches/results/${options.out}.md`)
}

const stopped = async () => {
  await stopAll()
  process.exit(130)
}
process.on('SIGINT', stopped)
process.on('SIGTERM', stopped)

try {
  await main()
} catch (error) {
  say(`error: ${error.message}`)
  process.exitCode = 1
} finally {
  await stopAll()
}
