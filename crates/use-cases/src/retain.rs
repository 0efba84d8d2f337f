//! What is kept for a time only goes when it has had it.

use std::sync::Arc;
use std::time::Duration;

use domain::{CustomerId, Decision};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::{Failure, IfMatch, Service};

/// How much is dealt with at once: so little that nobody waits for it.
const BATCH: u32 = 100;
/// The pause after each piece.
const BREATH: Duration = Duration::from_millis(20);
/// The pause between two rounds is a tenth of the shortest time that something is kept for, within these.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

impl Service {
    /// Withdraws changes of number that wait too long, erases customers who stay unconfirmed for too long, forgets what
    /// came of requests, and removes the last traces of who was erased, until `stopping` turns true. Several processes
    /// may do it at once.
    pub async fn retain_for_a_time(self: Arc<Self>, mut stopping: watch::Receiver<bool>) {
        let work = async {
            let mut traces = Traces::new(Instant::now());
            loop {
                if let Err(failure) = self.retain(&mut traces).await {
                    tracing::warn!(?failure, "what has had its time is not removed; trying again later");
                }
                let pause = traces.wait(Instant::now(), self.retention_pause());
                if timeout(pause, self.erased.notified()).await.is_ok() {
                    traces.are_left = true;
                }
            }
        };
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = work => {}
        }
    }

    fn retention_pause(&self) -> Duration {
        let policies = &self.policies;
        let kept =
            [Some(policies.idempotency_ttl), Some(policies.confirmation.pending_number_ttl), policies.unconfirmed_ttl];
        let shortest = kept.into_iter().flatten().min().and_then(|shortest| shortest.to_std().ok());
        (shortest.unwrap_or(LONGEST_PAUSE) / 10).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }

    async fn retain(&self, traces: &mut Traces) -> Result<(), Failure> {
        let (now, policies) = (self.ports.clock.now(), &self.policies);
        let retention = &self.ports.retention;
        // One that just ran out belongs to the next round.
        let requested_before = now - policies.confirmation.pending_number_ttl;
        self.each(
            async || Ok(retention.waiting_for_number_since(requested_before, BATCH).await?),
            async |id| self.find_customer(id).await.map(|_| ()),
        )
        .await?;
        if let Some(ttl) = policies.unconfirmed_ttl {
            self.each(
                async || Ok(retention.unconfirmed_since(now - ttl, BATCH).await?),
                async |id| self.erase_unconfirmed(id).await,
            )
            .await?;
        }
        while retention.prune_outlived(now - policies.idempotency_ttl, now, BATCH).await? {
            sleep(BREATH).await;
        }
        let begun = Instant::now();
        if traces.are_due(begun) {
            let are_gone = retention.scrub().await?;
            traces.looked_for(begun, Instant::now(), are_gone);
        }
        Ok(())
    }

    /// Does `work` for all that `find` finds, piece by piece. What fails for one does not hold up the others; and where
    /// it failed for all of a piece, what would be found next is the same.
    async fn each(
        &self,
        find: impl AsyncFn() -> Result<Vec<CustomerId>, Failure>,
        work: impl AsyncFn(CustomerId) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        loop {
            let found = find().await?;
            let mut done = 0;
            for id in &found {
                match work(*id).await {
                    Ok(()) | Err(Failure::CustomerNotFound) => done += 1,
                    Err(failure) => tracing::warn!(?failure, customer_id = %id, "a customer is not dealt with yet"),
                }
            }
            if found.len() < BATCH as usize || done == 0 {
                return Ok(());
            }
            sleep(BREATH).await;
        }
    }

    /// Erases a customer, unless he has confirmed meanwhile.
    async fn erase_unconfirmed(&self, id: CustomerId) -> Result<(), Failure> {
        let moment = self.moment();
        let card = async || Ok(self.ports.customers.find_card(id).await?);
        let erased = self
            .change_after(id, &IfMatch::Any, card, |customer, card| {
                if customer.confirmed().is_some() {
                    return Decision { change: None, outcome: Ok(false) };
                }
                let Decision { change, outcome } = customer.erase(card.as_ref(), moment);
                Decision { change, outcome: outcome.map(|()| true) }
            })
            .await?;
        if erased {
            tracing::info!(customer_id = %id, "a customer who never confirmed was erased");
            self.erased.notify_one();
        }
        Ok(())
    }
}

/// When the traces of who was erased are looked for: in each round, since others may have erased somebody and ended before
/// they did it. That may mean reading all that is stored, so it is not done at once after each erasure where many follow
/// one another.
struct Traces {
    /// That there are some, as far as this process knows.
    are_left: bool,
    rested_at: Instant,
}

impl Traces {
    /// After looking for them nobody does so for this many times as long as it took.
    const REST: u32 = 20;

    fn new(now: Instant) -> Self {
        Self { are_left: false, rested_at: now }
    }

    fn are_due(&self, now: Instant) -> bool {
        now >= self.rested_at
    }

    fn looked_for(&mut self, begun: Instant, now: Instant, are_gone: bool) {
        self.are_left = !are_gone;
        self.rested_at = now + (now - begun) * Self::REST;
    }

    /// How long to wait for whatever comes next, `pause` at most.
    fn wait(&self, now: Instant, pause: Duration) -> Duration {
        let rest = self.rested_at.saturating_duration_since(now);
        if self.are_left && !rest.is_zero() { rest.min(pause) } else { pause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policies;
    use crate::testing::{World, confirmed, customer_id, unconfirmed};
    use domain::TimeDelta;
    use ports::StoreError;

    /// A world in which nothing has had its time but what a test adds.
    fn world() -> World {
        let mut world = World::new();
        world.policies.unconfirmed_ttl = Some(TimeDelta::days(7));
        world
    }

    fn nothing_else(world: &mut World) {
        world.retention.expect_waiting_for_number_since().returning(|before, _| {
            assert_eq!(before, World::NOW - TimeDelta::hours(24));
            Ok(Vec::new())
        });
        world.retention.expect_prune_outlived().returning(|before, now, _| {
            assert_eq!((before, now), (World::NOW - TimeDelta::hours(24), World::NOW));
            Ok(false)
        });
    }

    /// Runs until the traces of what was erased have been looked after so often.
    async fn run(mut world: World, mut scrubs: Vec<Result<bool, StoreError>>) -> Duration {
        let (stop, stopping) = watch::channel(false);
        world.retention.expect_scrub().returning(move || {
            let scrub = scrubs.remove(0);
            if scrubs.is_empty() {
                stop.send_replace(true);
            }
            scrub
        });
        let begun = Instant::now();
        Arc::new(world.service()).retain_for_a_time(stopping).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn who_stays_unconfirmed_too_long_is_erased_and_who_confirmed_meanwhile_is_not() {
        for (customer, saves) in [(unconfirmed(), 1), (confirmed(), 0)] {
            let mut world = world();
            nothing_else(&mut world);
            let mut found = vec![customer_id()];
            world.retention.expect_unconfirmed_since().returning(move |before, _| {
                assert_eq!(before, World::NOW - TimeDelta::days(7));
                Ok(std::mem::take(&mut found))
            });
            world.customers.expect_find().returning(move |_| Ok(Some(customer.clone())));
            world.customers.expect_find_card().returning(|_| Ok(None));
            world.customers.expect_save().times(saves).returning(|change, _| {
                assert!(change.erases());
                Ok(())
            });
            // After an erasure its traces are looked after once more, at once.
            assert_eq!(run(world, vec![Ok(true); 1 + saves]).await, Duration::ZERO);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn traces_that_readers_keep_are_removed_in_the_next_round() {
        let mut world = world();
        nothing_else(&mut world);
        world.retention.expect_unconfirmed_since().returning(|_, _| Ok(Vec::new()));
        assert_eq!(run(world, vec![Ok(false), Ok(true)]).await, LONGEST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn traces_that_another_process_left_are_looked_for_in_the_next_round() {
        let mut world = world();
        nothing_else(&mut world);
        world.retention.expect_unconfirmed_since().returning(|_, _| Ok(Vec::new()));
        assert_eq!(run(world, vec![Ok(true), Ok(true)]).await, LONGEST_PAUSE);
    }

    #[test]
    fn where_many_are_erased_one_after_the_other_traces_are_not_looked_for_all_the_time() {
        let (begun, second) = (Instant::now(), Duration::from_secs(1));
        let mut traces = Traces::new(begun);
        assert!(traces.are_due(begun));
        let ended = begun + 2 * second;
        traces.looked_for(begun, ended, true);
        assert_eq!(traces.wait(ended, LONGEST_PAUSE), LONGEST_PAUSE, "nothing is left");
        traces.are_left = true;
        let rested = ended + 40 * second;
        assert_eq!(traces.wait(ended + second, LONGEST_PAUSE), 39 * second);
        assert!(!traces.are_due(rested - second));
        assert!(traces.are_due(rested));
        // What readers keep is looked for in the next round.
        traces.looked_for(rested, rested, false);
        assert_eq!(traces.wait(rested, LONGEST_PAUSE), LONGEST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_time_for_the_unconfirmed_none_is_looked_for() {
        let mut world = World { policies: Policies::default(), ..World::new() };
        nothing_else(&mut world);
        run(world, vec![Ok(true)]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_cannot_be_erased_holds_up_nobody_and_the_store_is_asked_again_later() {
        let mut world = world();
        nothing_else(&mut world);
        world.retention.expect_unconfirmed_since().times(2).returning(|_, _| Ok(vec![customer_id(); 2]));
        world.customers.expect_find().times(4).returning(|_| Err(StoreError::Unavailable("down".into())));
        assert_eq!(run(world, vec![Err(StoreError::Unavailable("down".into())), Ok(true)]).await, LONGEST_PAUSE);
    }
}
