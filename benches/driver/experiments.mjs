// What is measured: named pieces of work, and who does them.

const everybody = () => true
const ourselves = (name) => name.startsWith('assize')
const likeUs = (name) => ['assize', 'minimal client'].includes(name)
const peers = (name) => name === 'assize' || !ourselves(name)

// Seconds before anybody says anything.
const IDLE = 10

const best = (times) => ({
  name: 'best rate',
  about: '200 clients in 100 pairs, each sends again as soon as its last message is acked',
  work: { clients: 200, group: 2, idle: 0 },
  who: everybody,
  times,
})

const light = (times) => ({
  name: 'light pace',
  about: '500 clients in 250 pairs, one message per second and client',
  work: { clients: 500, group: 2, rate: 500, idle: 0 },
  who: everybody,
  times,
})

const size = (clients, times) => ({
  name: `size ${clients}`,
  about: `${clients.toLocaleString('en')} clients in pairs, idle for ten seconds, then ${Math.min(1_000, clients).toLocaleString('en')} messages per second in all`,
  work: { clients, group: 2, rate: Math.min(1_000, clients), idle: IDLE },
  who: peers,
  times,
})

const group = (members, times) => ({
  name: `groups of ${members}`,
  about: `1,000 clients in groups of ${members}, 2,000 deliveries per second in all`,
  work: { clients: 1_000, group: members, rate: 2_000 / members, idle: 0 },
  who: likeUs,
  times,
})

export const experiments = (quick) => {
  if (quick) {
    const times = { warm: 1, window: 4 }
    return [light(times), best(times), size(100, times), size(1_000, times), group(100, times)]
  }
  const times = { warm: 2, window: 10 }
  return [
    light(times),
    best(times),
    ...[100, 1_000, 10_000, 18_000].map((clients) => size(clients, times)),
    ...[2, 10, 100, 1_000].map((members) => group(members, times)),
  ]
}
