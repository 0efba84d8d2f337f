//! Cards that are no customer's any more are removed at their provider.

use std::sync::Arc;
use std::time::Duration;

use domain::TimeDelta;
use ports::{CardProvider, DetachedCard, Detachment};
use tokio::sync::watch;

use crate::{Failure, Service};

/// How often the queue is looked at when nobody tells of anything in it.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How many are taken at once. Each call to a provider has a limit in time: all of them together end before
/// [`FIRST_WAIT`], after which they would be taken again.
const BATCH: u32 = 5;
/// The wait before a detachment that failed is tried again. It doubles with each try, up to [`LONGEST_WAIT`].
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(1);
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);

impl Service {
    /// Removes at the provider what is no customer's card any more, until `stopping` turns true. Without a provider it
    /// returns at once. What failed is tried again, for as long as it takes.
    pub async fn detach_cards(self: Arc<Self>, mut stopping: watch::Receiver<bool>) {
        let Some(provider) = self.ports.card_provider.clone() else { return };
        let work = async {
            loop {
                let taken = self.detach_due(provider.as_ref()).await.unwrap_or_else(|failure| {
                    tracing::warn!(?failure, "the queue of cards to be removed at their provider could not be used");
                    0
                });
                // A full batch: there may be more.
                if taken < BATCH as usize {
                    let _ = tokio::time::timeout(LOOK_INTERVAL, self.card_to_detach.notified()).await;
                }
            }
        };
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = work => {}
        }
    }

    /// Removes what is due, and returns how many were taken.
    async fn detach_due(&self, provider: &dyn CardProvider) -> Result<usize, Failure> {
        let now = self.ports.clock.now();
        let queue = &self.ports.detachments;
        let due = queue.take_due_detachments(provider.name(), now, now + FIRST_WAIT, BATCH).await?;
        for detachment in &due {
            let done = match &detachment.card {
                DetachedCard::Known(payment_method) => provider.detach(payment_method).await,
                DetachedCard::OfSetup(setup) => provider.abandon_setup(setup).await,
            };
            match done {
                Ok(()) => queue.settle_detachment(detachment.id).await?,
                Err(error) => {
                    tracing::warn!(%error, tries = detachment.tries + 1, "a card could not be removed at its provider");
                    queue.postpone_detachment(detachment.id, self.ports.clock.now() + wait(detachment)).await?;
                }
            }
        }
        Ok(due.len())
    }
}

fn wait(detachment: &Detachment) -> TimeDelta {
    // Ten doublings are past the longest wait.
    (FIRST_WAIT * 2_i32.pow(detachment.tries.min(10))).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{WRITER, World, card, confirmed, customer_id};
    use mockall::Sequence;
    use ports::{CardProviderError, MockCardProvider, StoreError};
    use tokio::time::Instant;
    use uuid::Uuid;

    fn detachment(number: u8, tries: u32) -> Detachment {
        Detachment { id: Uuid::from_u128(number.into()), card: DetachedCard::Known(format!("pm_{number}")), tries }
    }

    fn world() -> World {
        let mut provider = MockCardProvider::new();
        provider.expect_name().return_const("test");
        World { card_provider: Some(provider), ..World::new() }
    }

    /// What the queue gives, one look after the other; with the last one it is time to stop.
    fn queue(
        world: &mut World,
        looks: Vec<Result<Vec<Detachment>, StoreError>>,
    ) -> (watch::Sender<bool>, watch::Receiver<bool>) {
        let (stop, stopping) = watch::channel(false);
        let (mut order, last) = (Sequence::new(), looks.len());
        for (look, number) in looks.into_iter().zip(1..) {
            let stop = stop.clone();
            let take = world.detachments.expect_take_due_detachments().once().in_sequence(&mut order);
            take.return_once(move |provider, now, again, limit| {
                assert_eq!((provider, now, limit), ("test", World::NOW, 5));
                assert_eq!(again, World::NOW + TimeDelta::minutes(1));
                if number == last {
                    stop.send_replace(true);
                }
                look
            });
        }
        (stop, stopping)
    }

    fn detaching(world: &mut World) -> &mut MockCardProvider {
        world.card_provider.as_mut().unwrap()
    }

    /// Runs until it is stopped, and returns how long that took.
    async fn run(world: World, stopping: watch::Receiver<bool>) -> Duration {
        let begun = Instant::now();
        Arc::new(world.service()).detach_cards(stopping).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_removed_at_the_provider_is_settled() {
        let mut world = world();
        let (_stop, stopping) = queue(&mut world, vec![Ok(vec![detachment(1, 0), detachment(2, 7)]), Ok(Vec::new())]);
        let mut order = Sequence::new();
        for number in [1, 2] {
            let detach = detaching(&mut world).expect_detach().once().in_sequence(&mut order);
            detach.return_once(move |card| {
                assert_eq!(card, format!("pm_{number}"));
                Ok(())
            });
            let settle = world.detachments.expect_settle_detachment().once().in_sequence(&mut order);
            settle.return_once(move |id| {
                assert_eq!(id, detachment(number, 0).id);
                Ok(())
            });
        }
        assert_eq!(run(world, stopping).await, LOOK_INTERVAL);
    }

    #[tokio::test(start_paused = true)]
    async fn a_setup_is_ended_and_tried_again_while_the_provider_has_not_decided() {
        let mut world = world();
        let of_setup = Detachment { card: DetachedCard::OfSetup("seti_1".to_owned()), ..detachment(1, 0) };
        let (_stop, stopping) = queue(&mut world, vec![Ok(vec![of_setup.clone()]), Ok(vec![of_setup]), Ok(Vec::new())]);
        let mut asked = 0;
        detaching(&mut world).expect_abandon_setup().times(2).returning(move |setup| {
            assert_eq!(setup, "seti_1");
            asked += 1;
            if asked == 1 { Err(CardProviderError::Unavailable("it has not decided".into())) } else { Ok(()) }
        });
        world.detachments.expect_postpone_detachment().once().returning(|_, _| Ok(()));
        world.detachments.expect_settle_detachment().once().returning(|_| Ok(()));
        run(world, stopping).await;
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_full_batch_the_queue_is_looked_at_again_at_once() {
        let mut world = world();
        let full = (1..=5).map(|number| detachment(number, 0)).collect();
        let (_stop, stopping) = queue(&mut world, vec![Ok(full), Ok(Vec::new())]);
        detaching(&mut world).expect_detach().times(5).returning(|_| Ok(()));
        world.detachments.expect_settle_detachment().times(5).returning(|_| Ok(()));
        assert_eq!(run(world, stopping).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_postponed_twice_as_long_each_time_and_at_most_an_hour() {
        for (tries, minutes) in [(0, 1), (1, 2), (5, 32), (6, 60), (10, 60), (11, 60), (u32::MAX, 60)] {
            for error in [CardProviderError::Unavailable("down".into()), CardProviderError::Rejected("why".into())] {
                let mut world = world();
                let (_stop, stopping) = queue(&mut world, vec![Ok(vec![detachment(1, tries)]), Ok(Vec::new())]);
                detaching(&mut world).expect_detach().once().return_once(move |_| Err(error));
                world.detachments.expect_postpone_detachment().once().returning(move |id, again| {
                    assert_eq!(id, detachment(1, 0).id);
                    assert_eq!(again, World::NOW + TimeDelta::minutes(minutes), "{tries}");
                    Ok(())
                });
                run(world, stopping).await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_card_that_fails_does_not_hold_up_the_next() {
        let mut world = world();
        let (_stop, stopping) = queue(&mut world, vec![Ok(vec![detachment(1, 0), detachment(2, 0)]), Ok(Vec::new())]);
        detaching(&mut world).expect_detach().times(2).returning(|card| match card {
            "pm_1" => Err(CardProviderError::Unavailable("down".into())),
            _ => Ok(()),
        });
        world.detachments.expect_postpone_detachment().once().returning(|_, _| Ok(()));
        world.detachments.expect_settle_detachment().once().returning(|id| {
            assert_eq!(id, detachment(2, 0).id);
            Ok(())
        });
        run(world, stopping).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_fails_is_asked_again_after_a_while() {
        let down = || StoreError::Unavailable("down".into());
        let mut world = world();
        let looks = vec![Err(down()), Ok(vec![detachment(1, 0), detachment(2, 0)]), Ok(Vec::new())];
        let (_stop, stopping) = queue(&mut world, looks);
        detaching(&mut world).expect_detach().once().returning(|_| Ok(()));
        world.detachments.expect_settle_detachment().once().returning(move |_| Err(down()));
        assert_eq!(run(world, stopping).await, LOOK_INTERVAL * 2, "what was taken is due again by itself");
    }

    #[tokio::test(start_paused = true)]
    async fn a_card_that_was_just_removed_here_is_removed_there_at_once() {
        let mut world = world();
        world.customers.expect_find().returning(|_| Ok(Some(confirmed())));
        world.customers.expect_find_card().returning(|_| Ok(Some(card(1))));
        world.customers.expect_save().once().returning(|_, _| Ok(()));
        let (_stop, stopping) = queue(&mut world, vec![Ok(Vec::new()), Ok(Vec::new())]);
        let (service, begun) = (Arc::new(world.service()), Instant::now());
        let work = tokio::spawn(service.clone().detach_cards(stopping));
        // It runs up to where it has nothing to do.
        tokio::task::yield_now().await;
        service.delete_card(WRITER, customer_id(), &crate::IfMatch::Any).await.unwrap();
        work.await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_it_is_told_to_or_nobody_is_left_to_tell() {
        for tell in [true, false] {
            let mut world = world();
            world.detachments.expect_take_due_detachments().times(0..=1).returning(|_, _, _, _| Ok(Vec::new()));
            let (stop, stopping) = watch::channel(false);
            let begun = Instant::now();
            let work = tokio::spawn(Arc::new(world.service()).detach_cards(stopping));
            tokio::task::yield_now().await;
            if tell {
                stop.send_replace(true);
            } else {
                drop(stop);
            }
            work.await.unwrap();
            assert_eq!(begun.elapsed(), Duration::ZERO);
        }
    }

    #[tokio::test]
    async fn without_a_provider_there_is_nothing_to_do() {
        let (_stop, stopping) = watch::channel(false);
        Arc::new(World::new().service()).detach_cards(stopping).await;
    }
}
