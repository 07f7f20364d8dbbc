// What is measured: named pieces of work, who does them, and how often.

const everybody = () => true
const ourselves = (name) => name.startsWith('assize')
const likeUs = (name) => ['assize', 'minimal client'].includes(name)
const peers = (name) => name === 'assize' || !ourselves(name)

// What is compared closely needs medians; others are so far away, or cost so much, that one run tells
// enough.
const CLOSELY = 3
const often = (name) => (ourselves(name) || name === 'minimal client' ? CLOSELY : 1)
const once = () => 1

const best = {
  name: 'best rate',
  about: '200 clients in 100 pairs, each sends again as soon as its last message is acked',
  work: { clients: 200, group: 2, idle: 0 },
  who: everybody,
  rounds: often,
}

const light = {
  name: 'light pace',
  about: '500 clients in 250 pairs, one message per second and client',
  work: { clients: 500, group: 2, rate: 500, idle: 0 },
  who: peers,
  rounds: often,
}

// `idle`: seconds before anybody says anything.
const size = (clients, idle, who) => ({
  name: `size ${clients}`,
  about: `${clients.toLocaleString('en')} clients in pairs, idle for ${idle} seconds, then ${Math.min(1_000, clients).toLocaleString('en')} messages per second in all`,
  work: { clients, group: 2, rate: Math.min(1_000, clients), idle },
  who,
  rounds: once,
})

const group = (members) => ({
  name: `groups of ${members}`,
  about: `1,000 clients in groups of ${members}, 2,000 deliveries per second in all`,
  work: { clients: 1_000, group: members, rate: 2_000 / members, idle: 0 },
  who: likeUs,
  rounds: once,
})

// More clients per second than any server takes: they come as fast as they are let in.
const connecting = (clients) => ({
  name: 'connecting',
  about: `${clients.toLocaleString('en')} clients come within a second to the reference server, which checks each token; the rate until the last one was in its conversation`,
  work: { clients, group: 2, idle: 0, connecting: 1 },
  who: (name) => name === 'assize',
  rounds: once,
})

const GROUPS = [2, 10, 100, 1_000]

const quick = () => [light, best, size(100, 4, peers), size(1_000, 4, peers), group(100), connecting(4_000)]

const usual = () => [
  light,
  best,
  ...[100, 1_000, 10_000].map((clients) => size(clients, 6, likeUs)),
  ...GROUPS.map(group),
  connecting(8_000),
]

const full = () => [
  light,
  best,
  ...[100, 1_000, 10_000, 18_000].map((clients) => size(clients, 10, peers)),
  ...GROUPS.map(group),
  connecting(8_000),
]

// The extents: what is measured, the seconds of each measurement, the rounds if they are the same for
// all, and the minutes after which no further measurement begins.
export const EXTENTS = {
  quick: { experiments: quick(), times: { warm: 1, window: 4 }, rounds: 1, minutes: 10 },
  usual: { experiments: usual(), times: { warm: 1.5, window: 6 }, minutes: 14 },
  full: { experiments: full(), times: { warm: 2, window: 10 }, rounds: 5, minutes: 180 },
}
