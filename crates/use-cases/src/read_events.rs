//! Read events, oldest first, or one of them.

use std::time::Duration;

use domain::{EventId, FieldCode, FieldError, Refusal};
use ports::{EventPage, EventQuery, StoredEvent};

use tokio::time::{Instant, timeout};

use crate::dispatch::POLL;
use crate::{Failure, Service};

impl Service {
    /// A page of the events that are committed.
    ///
    /// # Errors
    /// [`Failure::Refused`] when `query.after` is no event's id, or the store's.
    pub async fn read_events(&self, query: EventQuery) -> Result<EventPage, Failure> {
        self.ports.events.page(query).await?.ok_or_else(|| {
            let detail = "must be the id of an event; leave it out to begin with the first";
            Refusal::InvalidFields(vec![FieldError::new("after", FieldCode::Invalid, detail)]).into()
        })
    }

    /// The same, where none is there yet, as soon as there is: an empty page after `patience`.
    ///
    /// # Errors
    /// As [`read_events`](Self::read_events).
    pub async fn await_events(&self, query: EventQuery, patience: Duration) -> Result<EventPage, Failure> {
        let deadline = Instant::now() + patience;
        loop {
            let count = self.ports.signal.count();
            let page = self.read_events(query.clone()).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            if !page.events.is_empty() || left.is_zero() {
                return Ok(page);
            }
            // Not heard in time: nobody said it, or said it to another process; so it is looked anyway.
            let _ = timeout(left.min(POLL), self.ports.signal.heard(count)).await;
        }
    }

    /// The last event, to begin after with what comes from now on; `None` when there is none yet.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_event(&self) -> Result<Option<EventId>, Failure> {
        Ok(self.ports.events.last().await?)
    }

    /// One event.
    ///
    /// # Errors
    /// [`Failure::EventNotFound`], or the store's.
    pub async fn retrieve_event(&self, id: EventId) -> Result<StoredEvent, Failure> {
        self.ports.events.find(id).await?.ok_or(Failure::EventNotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, stored_event};
    use ports::StoreError;

    const FIRST: EventQuery = EventQuery { after: None, customer_id: None, limit: 20 };

    #[tokio::test]
    async fn an_unknown_event_to_begin_after_is_a_bad_field() {
        let mut world = World::new();
        world.events.expect_page().returning(|_| Ok(None));
        let outcome = world.service().read_events(FIRST).await;
        let Err(Failure::Refused(Refusal::InvalidFields(errors))) = outcome else { panic!("{outcome:?}") };
        assert_eq!(errors[0].field, "after");
    }

    #[tokio::test(start_paused = true)]
    async fn events_are_awaited_and_looked_for_although_nobody_said_anything() {
        let mut world = World::new();
        let mut looks = 0;
        world.events.expect_page().times(3).returning(move |_| {
            looks += 1;
            let events = if looks == 3 { vec![stored_event(1, 1)] } else { Vec::new() };
            Ok(Some(EventPage { events, more: false }))
        });
        let page = world.service().await_events(FIRST, Duration::from_mins(1)).await.unwrap();
        assert_eq!(page.events, [stored_event(1, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_has_an_end() {
        let mut world = World::new();
        world.events.expect_page().returning(|_| Ok(Some(EventPage::default())));
        let started = Instant::now();
        let page = world.service().await_events(FIRST, Duration::from_mins(1)).await.unwrap();
        assert_eq!((page.events.len(), started.elapsed().as_secs()), (0, 60));
    }

    #[tokio::test]
    async fn an_event_that_is_not_there_is_not_found() {
        let mut world = World::new();
        world.events.expect_find().returning(|_| Ok(None));
        let id = EventId::parse("evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e").unwrap();
        assert_eq!(world.service().retrieve_event(id).await, Err(Failure::EventNotFound));
    }

    #[tokio::test]
    async fn a_store_that_fails_is_no_empty_page() {
        let mut world = World::new();
        let error = StoreError::Unavailable("down".into());
        let failure = Failure::Store(error.clone());
        world.events.expect_page().return_once(move |_| Err(error));
        assert_eq!(world.service().read_events(FIRST).await, Err(failure));
    }
}
