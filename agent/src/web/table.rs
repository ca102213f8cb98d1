//! Who is connected, how long each may take, and who leaves when there are too many.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::limits::Limits;

/// What a good client needs, from accept to its request and from that to the last byte of the answer, on a busy network.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a connection is waited for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Phase {
    /// The TLS handshake, and the head of a request.
    Head,
    /// The next request.
    Idle,
    /// Our answer, and that the client reads it.
    Answer,
}

/// One connection.
pub(super) struct Client {
    /// Address, IPv6 without its host part.
    network: IpAddr,
    /// Phase in the lowest two bits, above them the milliseconds since `born` at which it began.
    state: AtomicU64,
    born: Instant,
    handed_over: AtomicBool,
    cut: Notify,
}

impl Client {
    fn new(address: IpAddr) -> Self {
        Client {
            network: network(address),
            state: AtomicU64::new(Phase::Head as u64),
            born: Instant::now(),
            handed_over: AtomicBool::new(false),
            cut: Notify::new(),
        }
    }

    pub(super) fn enter(&self, phase: Phase) {
        let since = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX >> 2);
        self.state.store(since << 2 | phase as u64, Ordering::Release);
    }

    pub(super) fn phase(&self) -> Phase {
        match self.state.load(Ordering::Acquire) & 3 {
            0 => Phase::Head,
            1 => Phase::Idle,
            _ => Phase::Answer,
        }
    }

    /// The time since this phase began.
    fn waited(&self) -> Duration {
        let since = Duration::from_millis(self.state.load(Ordering::Acquire) >> 2);
        self.born.elapsed().saturating_sub(since)
    }

    pub(super) fn begin_answer(&self) {
        self.handed_over.store(false, Ordering::Release);
        self.enter(Phase::Answer);
    }

    pub(super) fn body_handed_over(&self) {
        self.handed_over.store(true, Ordering::Release);
    }

    /// Everything that was handed over went to the kernel.
    pub(super) fn flushed(&self) {
        if self.handed_over.load(Ordering::Acquire) && self.phase() == Phase::Answer {
            self.handed_over.store(false, Ordering::Release);
            self.enter(Phase::Idle);
        }
    }

    /// Bytes came in: of the next request, if none is being answered.
    pub(super) fn received(&self) {
        if self.phase() == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    /// Resolves when the connection has to end at once.
    pub(super) async fn until_cut(&self) {
        self.cut.notified().await;
    }
}

/// All connections.
pub(super) struct Table {
    clients: Mutex<Clients>,
    limits: Limits,
}

#[derive(Default)]
struct Clients {
    open: HashMap<u64, Arc<Client>>,
    next: u64,
    accepted: u64,
    most: usize,
    displaced: u64,
    late: u64,
}

/// Figures of the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Connections now.
    pub open: usize,
    /// The most at a time.
    pub most: usize,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that left for others.
    pub displaced: u64,
    /// Connections that missed a deadline.
    pub late: u64,
}

/// A place in the table, given back when dropped.
pub(super) struct Place {
    table: Arc<Table>,
    id: u64,
    pub(super) client: Arc<Client>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.table.lock().open.remove(&self.id);
    }
}

impl Table {
    pub(super) fn new(limits: Limits) -> Self {
        Table { clients: Mutex::default(), limits }
    }

    /// Takes a new connection in. Where it is one too many, another leaves: of its own address if that has too many,
    /// else of the address that has most.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Place {
        let client = Arc::new(Client::new(address));
        let mut clients = self.lock();
        let crowded = match clients.open.values().filter(|other| other.network == client.network).count() {
            own if own >= self.limits.connections_per_address => Some(client.network),
            _ if clients.open.len() >= self.limits.connections => clients.largest(),
            _ => None,
        };
        if let Some(network) = crowded {
            clients.displace(network);
        }
        let id = clients.next;
        clients.next += 1;
        clients.accepted += 1;
        clients.open.insert(id, client.clone());
        clients.most = clients.most.max(clients.open.len());
        Place { table: self.clone(), id, client }
    }

    /// Has one connection leave, for want of file descriptors.
    pub(super) fn make_room(&self) {
        let mut clients = self.lock();
        if let Some(network) = clients.largest() {
            clients.displace(network);
        }
    }

    /// Cuts the connections that have waited too long.
    pub(super) fn sweep(&self) {
        let mut clients = self.lock();
        let late: Vec<u64> =
            clients.open.iter().filter(|(_, client)| self.is_late(client)).map(|(id, _)| *id).collect();
        for id in late {
            clients.late += 1;
            clients.cut(id);
        }
    }

    pub(super) fn cut_all(&self) {
        let mut clients = self.lock();
        let all: Vec<u64> = clients.open.keys().copied().collect();
        all.into_iter().for_each(|id| clients.cut(id));
    }

    pub(super) fn stats(&self) -> Stats {
        let clients = self.lock();
        Stats {
            open: clients.open.len(),
            most: clients.most,
            accepted: clients.accepted,
            displaced: clients.displaced,
            late: clients.late,
        }
    }

    fn is_late(&self, client: &Client) -> bool {
        let allowed = match client.phase() {
            Phase::Head => self.limits.head,
            Phase::Idle => self.limits.idle,
            Phase::Answer => self.limits.answer,
        };
        client.waited() > allowed
    }

    fn lock(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clients {
    /// The address with most connections.
    fn largest(&self) -> Option<IpAddr> {
        let mut of_network: HashMap<IpAddr, usize> = HashMap::new();
        for client in self.open.values() {
            *of_network.entry(client.network).or_default() += 1;
        }
        of_network.into_iter().max_by_key(|&(network, count)| (count, network)).map(|(network, _)| network)
    }

    /// Who has kept us waiting leaves first, then who is idle and can come again, then who only began; of these the one
    /// that has been at it longest. A client that asks and reads at once is among the last.
    fn displace(&mut self, network: IpAddr) {
        let of_network = self.open.iter().filter(|(_, client)| client.network == network);
        let least_use = of_network.min_by_key(|(id, client)| {
            let waited = client.waited();
            let rank = match client.phase() {
                Phase::Head | Phase::Answer if waited >= PATIENCE => 0,
                Phase::Idle => 1,
                Phase::Head | Phase::Answer => 2,
            };
            (rank, std::cmp::Reverse(waited), **id)
        });
        if let Some(id) = least_use.map(|(id, _)| *id) {
            self.displaced += 1;
            self.cut(id);
        }
    }

    fn cut(&mut self, id: u64) {
        if let Some(client) = self.open.remove(&id) {
            client.cut.notify_one();
        }
    }
}

/// Who has one IPv6 address has the /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(connections: usize, connections_per_address: usize) -> Arc<Table> {
        Arc::new(Table::new(Limits { connections, connections_per_address, ..Limits::default() }))
    }

    fn is_cut(place: &Place) -> bool {
        !place.table.lock().open.contains_key(&place.id)
    }

    #[test]
    fn who_is_least_use_leaves_first() {
        let table = table(100, 4);
        let address = IpAddr::from([127, 0, 0, 1]);
        let stuck = table.admit(address);
        stuck.client.begin_answer();
        std::thread::sleep(PATIENCE);
        let (idle, begun, asked) = (table.admit(address), table.admit(address), table.admit(address));
        idle.client.enter(Phase::Idle);
        asked.client.begin_answer();
        let next = table.admit(address);
        assert!(is_cut(&stuck) && !is_cut(&idle) && !is_cut(&begun) && !is_cut(&asked));
        let last = table.admit(address);
        assert!(is_cut(&idle) && !is_cut(&begun) && !is_cut(&next) && !is_cut(&last));
        assert_eq!((table.stats().open, table.stats().most, table.stats().displaced), (4, 4, 2));
        drop((next, last));
        assert_eq!(table.stats().open, 2);
    }

    #[test]
    fn who_has_most_connections_makes_room() {
        let table = table(4, 100);
        let alone = table.admit(IpAddr::from([10, 0, 0, 1]));
        let many: Vec<Place> =
            (2u16..5).map(|host| table.admit(format!("2001:db8::{host}").parse().unwrap())).collect();
        let next = table.admit(IpAddr::from([10, 0, 0, 2]));
        assert!(!is_cut(&alone) && !is_cut(&next));
        assert_eq!(many.iter().filter(|place| is_cut(place)).count(), 1, "one /64 is one client");
        let mapped = table.admit("::ffff:10.0.0.2".parse().unwrap());
        assert_eq!(mapped.client.network, next.client.network);
    }

    #[test]
    fn each_phase_has_its_deadline() {
        let second = Duration::from_secs(1);
        let table =
            Arc::new(Table::new(Limits { head: Duration::ZERO, idle: second, answer: second, ..Limits::default() }));
        let address = IpAddr::from([127, 0, 0, 1]);
        let (late, idle, answered) = (table.admit(address), table.admit(address), table.admit(address));
        idle.client.enter(Phase::Idle);
        answered.client.begin_answer();
        std::thread::sleep(Duration::from_millis(20));
        table.sweep();
        assert!(is_cut(&late) && !is_cut(&idle) && !is_cut(&answered));
        idle.client.received();
        std::thread::sleep(Duration::from_millis(20));
        answered.client.flushed();
        assert_eq!(answered.client.phase(), Phase::Answer, "its body is still to come");
        answered.client.body_handed_over();
        answered.client.flushed();
        assert_eq!(answered.client.phase(), Phase::Idle);
        table.sweep();
        assert!(is_cut(&idle) && !is_cut(&answered));
        assert_eq!(table.stats().late, 2);
    }
}
