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
import { experiments } from './driver/experiments.mjs'

const HELP = `Usage: benches/run.mjs [OPTIONS]

Measures size and speed of Assize beside a minimal client, a Node script and Artillery, each against a
server process of its own. \`make bench\` builds what it needs.

  --quick            short windows, one run of each, few clients: do the instruments work?
  --runs N           runs of each measurement (5; quick 1)
  --only WORDS       only measurements whose name has one of these words, separated by commas
  --who WORDS        only generators whose name has one of these words, separated by commas
  --no-pin           leaves it to the kernel who runs on which core
  --out NAME         the name of the files in benches/results/ (latest)
  --list             says what would be measured`

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean' },
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
const agenda = (runs) => {
  const all = []
  for (let round = 0; round < runs; round++) {
    for (const experiment of experiments(Boolean(options.quick))) {
      if (!fits(experiment.name, options.only)) continue
      const who = generators.filter(
        ({ name, most }) =>
          experiment.who(name) && fits(name, options.who) && experiment.work.clients <= most,
      )
      for (const generator of who) all.push({ round, experiment, generator })
    }
  }
  return all
}

const main = async () => {
  if (options.help) return console.log(HELP)
  const runs = Number(options.runs ?? (options.quick ? 1 : 5))
  const plan = agenda(runs)
  if (options.list) {
    return console.log(plan.map(({ round, experiment, generator }) => `${round + 1}. ${experiment.name}: ${generator.name}`).join('\n'))
  }
  for (const needed of [paths.assize, paths.server, paths.client, paths.artillery]) {
    if (!existsSync(needed)) throw new Error(`\`${needed}\` is missing\nhint: \`make bench\` builds everything first`)
  }
  const cores = options['no-pin'] || availableParallelism() < 2 ? [undefined, undefined] : [0, 1]
  const began = await machine()
  const measured = []
  for (const [index, { round, experiment, generator }] of plan.entries()) {
    const figures = await measure(generator, experiment.work, { ...experiment.times, cores }).catch((error) => ({
      error: error.message,
    }))
    measured.push({ experiment: experiment.name, generator: generator.name, round, ...figures })
    say(`${index + 1}/${plan.length} ${experiment.name}: ${generator.name}: ${summary(figures)}`)
  }
  const result = { machine: began, load: (await machine()).load, runs, quick: Boolean(options.quick), pinned: cores[0] !== undefined, measured }
  const folder = join(paths.benches, 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${options.out}.json`), json(result))
  writeFileSync(join(folder, `${options.out}.md`), markdown(result, experiments(Boolean(options.quick))))
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
