// Measurements as JSON and as tables: medians with the least and the most of all runs.

export const json = (result) => `${JSON.stringify(result, undefined, 1)}\n`

const digits = (number) => {
  if (number === undefined || !Number.isFinite(number)) return '–'
  const size = Math.abs(number)
  if (size >= 1_000) return Math.round(Number(number.toPrecision(3))).toLocaleString('en')
  return Number(number.toPrecision(3)).toString()
}

// One line while it goes.
export const summary = (figures) => {
  if (figures.error) return `failed: ${figures.error}`
  const of = (name, unit) => (figures[name] === undefined ? '' : `${digits(figures[name])} ${unit}`)
  return [
    of('cpuMicros', 'µs CPU per message'),
    of('messagesPerSecond', 'messages/s'),
    of('messagesPerCore', 'per core'),
    of('connectsPerSecond', 'clients/s let in'),
    of('loadedKiB', 'KiB'),
    figures.serverCore === undefined ? '' : `server at ${digits(figures.serverCore * 100)}%`,
  ]
    .filter(Boolean)
    .join(', ')
}

const spread = (list) => {
  const sorted = list.filter((number) => Number.isFinite(number)).sort((a, b) => a - b)
  if (sorted.length === 0) return undefined
  return { median: sorted[Math.floor(sorted.length / 2)], least: sorted[0], most: sorted.at(-1) }
}

const cell = (spread) => {
  if (!spread) return '–'
  const { median, least, most } = spread
  return least === most ? digits(median) : `${digits(median)} (${digits(least)}–${digits(most)})`
}

const table = (heads, rows) =>
  [heads, heads.map((_, index) => (index ? '--:' : '---')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

// Generators in the order of their first run, and their figures of one experiment.
const of = (measured, experiment) => {
  const rows = new Map()
  for (const one of measured.filter((one) => one.experiment === experiment)) {
    rows.set(one.generator, [...(rows.get(one.generator) ?? []), one])
  }
  return rows
}

const column = (runs, figure) => spread(runs.map(figure))

const speed = (rows) => {
  const base = column(rows.get('minimal client') ?? [], (run) => run.cpuMicros)?.median
  return table(
    ['', 'CPU µs per message', '× minimal', 'messages/s', 'messages/s per core', 'ack p99, ms', 'late p99, ms', 'server, % of a core'],
    [...rows].map(([name, runs]) => {
      const micros = column(runs, (run) => run.cpuMicros)
      return [
        name,
        cell(micros),
        base && micros ? (micros.median / base).toFixed(2) : '–',
        cell(column(runs, (run) => run.messagesPerSecond)),
        cell(column(runs, (run) => run.messagesPerCore)),
        cell(column(runs, (run) => run.ackP99)),
        cell(column(runs, (run) => run.lateP99)),
        cell(column(runs, (run) => run.serverCore * 100)),
      ]
    }),
  )
}

// Memory per client is what each client beyond the first hundred added: the program itself is no
// client's.
const FEW = 100

const perClient = (runs, few, clients, name) => {
  const base = column(few ?? [], (run) => run[name])?.median
  if (base === undefined || clients <= FEW) return undefined
  return column(runs, (run) => (run[name] - base) / (clients - FEW))
}

const size = (rows, clients, measured) => {
  const few = of(measured, `size ${FEW}`)
  return table(
    ['', 'connects/s', 'MiB idle', 'KiB per idle client', 'KiB per loaded client', 'CPU µs per message', 'messages/s', 'late p99, ms'],
    [...rows].map(([name, runs]) => [
      name,
      cell(column(runs, (run) => run.connectsPerSecond)),
      cell(column(runs, (run) => run.idleKiB / 1024)),
      cell(perClient(runs, few.get(name), clients, 'idleKiB')),
      cell(perClient(runs, few.get(name), clients, 'loadedKiB')),
      cell(column(runs, (run) => run.cpuMicros)),
      cell(column(runs, (run) => run.messagesPerSecond)),
      cell(column(runs, (run) => run.lateP99)),
    ]),
  )
}

const group = (rows) =>
  table(
    ['', 'CPU µs per message', 'CPU µs per delivery', 'deliveries per message', 'messages/s', 'ack p99, ms'],
    [...rows].map(([name, runs]) => [
      name,
      cell(column(runs, (run) => run.cpuMicros)),
      cell(column(runs, (run) => run.cpuMicros / run.deliveriesPerMessage)),
      cell(column(runs, (run) => run.deliveriesPerMessage)),
      cell(column(runs, (run) => run.messagesPerSecond)),
      cell(column(runs, (run) => run.ackP99)),
    ]),
  )

const connecting = (rows) =>
  table(
    ['', 'clients let in per second'],
    [...rows].map(([name, runs]) => [name, cell(column(runs, (run) => run.connectsPerSecond))]),
  )

const SHAPES = { size, groups: group, connecting }

const shape = (name) => SHAPES[name.split(' ')[0]] ?? speed

export const markdown = (result, experiments) => {
  const { machine, load, extent, leftOut, pinned, measured } = result
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
  const busy = Math.max(machine.load[0], load[0]) > machine.cores + 1
  const parts = [
    '# Size and speed, measured',
    `${machine.date}, commit ${machine.commit}: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ` +
      `${machine.files.toLocaleString('en')} files at most. ${versions.join(', ')}.`,
    'Where several runs were made: their median (least–most). ' +
      `${pinned ? 'Server and generator had a core of their own each' : 'Nothing was pinned to cores'}; ` +
      `load of the machine ${machine.load[0]} before and ${load[0]} after.` +
      (extent === 'quick' ? ' A quick run: its windows are short.' : '') +
      (leftOut ? ` ${leftOut} measurements were left out for want of time.` : ''),
    ...(busy ? ['**Others used the machine meanwhile**: only the ratios tell something.'] : []),
  ]
  for (const experiment of experiments) {
    const rows = of(measured, experiment.name)
    if (rows.size === 0) continue
    const failed = measured.filter((one) => one.experiment === experiment.name && one.error)
    parts.push(`## ${experiment.name[0].toUpperCase()}${experiment.name.slice(1)}`, `${experiment.about}.`)
    parts.push(shape(experiment.name)(rows, experiment.work.clients, measured))
    for (const { generator, error } of failed) parts.push(`${generator} failed: ${error.split('\n')[0]}`)
  }
  return `${parts.join('\n\n')}\n`
}
