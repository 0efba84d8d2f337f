//! Whoever presents one wrong link after another, or one wrong key, is guessing: he may not go on for long.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What was missed, counted for each block of addresses that one subscriber may have. In memory: each process counts for
/// itself, and what it forgets is forgotten.
pub(crate) struct Misses {
    most: u32,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    of: HashMap<IpNet, Count>,
    /// Each block that is counted once, the one whose minute began first in front.
    order: VecDeque<IpNet>,
}

struct Count {
    since: Instant,
    misses: u32,
}

impl Misses {
    const WINDOW: Duration = Duration::from_mins(1);
    /// Beyond this the oldest is forgotten.
    const MAX_BLOCKS: usize = 10_000;

    /// From `most` misses within a minute on a block has to wait until that minute is over.
    pub(crate) fn new(most: u32) -> Self {
        Self { most, counts: Mutex::default() }
    }

    /// How long an address has to wait until it may try again; `None` where it may.
    pub(crate) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.of.get(&block(address)).filter(|count| count.misses >= self.most)?;
        Self::WINDOW.checked_sub(now.saturating_duration_since(count.since)).filter(|wait| !wait.is_zero())
    }

    /// Counts a miss.
    pub(crate) fn count(&self, address: IpAddr, now: Instant) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.forget(|count| now.saturating_duration_since(count.since) >= Self::WINDOW);
        let block = block(address);
        if let Some(count) = counts.of.get_mut(&block) {
            count.misses += 1;
            return;
        }
        if counts.order.len() >= Self::MAX_BLOCKS {
            counts.forget_first();
        }
        counts.of.insert(block, Count { since: now, misses: 1 });
        counts.order.push_back(block);
    }
}

impl Counts {
    /// Forgets from the oldest on, as long as what is counted is over.
    fn forget(&mut self, is_over: impl Fn(&Count) -> bool) {
        while self.order.front().and_then(|first| self.of.get(first)).is_some_and(&is_over) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some(first) = self.order.pop_front() {
            self.of.remove(&first);
        }
    }
}

/// The addresses among which one subscriber may choose.
fn block(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Net::new(address, 24).map_or(Ipv4Net::from(address), |net| net.trunc()).into(),
        IpAddr::V6(address) => Ipv6Net::new(address, 56).map_or(Ipv6Net::from(address), |net| net.trunc()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn missed(misses: &Misses, from: &str, times: u32, now: Instant) {
        for _ in 0..times {
            misses.count(address(from), now);
        }
    }

    #[test]
    fn after_thirty_misses_a_block_waits_until_its_minute_is_over() {
        let (misses, start) = (Misses::new(30), Instant::now());
        missed(&misses, "192.0.2.7", 29, start);
        assert_eq!(misses.wait(address("192.0.2.7"), start), None);
        missed(&misses, "192.0.2.200", 1, start + Duration::from_secs(10));
        let later = start + Duration::from_secs(20);
        assert_eq!(misses.wait(address("192.0.2.9"), later), Some(Duration::from_secs(40)));
        assert_eq!(misses.wait(address("192.0.3.9"), later), None, "another block");
        assert_eq!(misses.wait(address("192.0.2.9"), start + Duration::from_mins(1)), None);
        missed(&misses, "192.0.2.7", 1, start + Duration::from_secs(61));
        assert_eq!(misses.wait(address("192.0.2.7"), start + Duration::from_secs(61)), None, "counted anew");
    }

    #[test]
    fn a_block_of_version_six_is_what_a_household_has_and_mapped_addresses_are_of_version_four() {
        let (misses, now) = (Misses::new(30), Instant::now());
        missed(&misses, "2001:db8:0:100::1", 30, now);
        assert!(misses.wait(address("2001:db8:0:1ff:ffff::2"), now).is_some());
        assert!(misses.wait(address("2001:db8:0:200::1"), now).is_none());
        missed(&misses, "::ffff:192.0.2.1", 30, now);
        assert!(misses.wait(address("192.0.2.2"), now).is_some());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_is_forgotten_first() {
        let (misses, now) = (Misses::new(30), Instant::now());
        missed(&misses, "2001:db8::1", 30, now);
        for number in 0..Misses::MAX_BLOCKS {
            let [high, low] = u16::try_from(number).unwrap().to_be_bytes();
            missed(&misses, &format!("10.{high}.{low}.1"), 1, now);
        }
        assert!(misses.wait(address("2001:db8::1"), now).is_none());
        let counts = misses.counts.lock().unwrap();
        assert_eq!((counts.of.len(), counts.order.len()), (Misses::MAX_BLOCKS, Misses::MAX_BLOCKS));
    }
}
