//! Questions of one kind that wait at the same time are asked together: what a statement, a round trip or a commit costs
//! is paid once for all of them.
//!
//! Nobody waits so that there be more: a batch is what has gathered while the last one was done. So a single caller gets
//! the same latency as without, and the more there are, the more each batch does.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::Connection;
use ports::StoreError;

use crate::answer::{Answer, Asker, ask, unavailable};
use crate::failure::Failure;
use crate::lane::{Connections, Lane, QUEUE_LENGTH, perform};

/// How long after it was asked a question that failed with others is asked again by itself.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long a question waits before another batch is begun beside those that are under way: one that is held up, by a lock
/// that another process has, is not to hold up the rest. Many times what a batch takes.
const HOLD_UP: Duration = Duration::from_millis(50);
/// How many batches of a kind are under way then at most.
const MOST_HELD_UP: usize = 8;

/// A kind of question, and how it is answered.
pub(crate) trait Question<C>: Send + Sized + 'static {
    /// What is answered.
    type Answer: Send + 'static;

    /// How many are asked together at most.
    const MOST: usize;

    /// Whether it must not be asked together with others.
    fn is_alone(&self) -> bool {
        false
    }

    /// Answers each of these, in their order; `None` where one is to be asked again by itself. A failure is everybody's;
    /// where it may be the fault of one of several, each is asked again by itself. May be called a second time with the same
    /// questions, as [`Lane::run`] says.
    fn answer(connection: &mut C, questions: &[Self]) -> Result<Vec<Option<Self::Answer>>, Failure>;

    /// Answers it by itself.
    fn answer_alone(&self, connection: &mut C) -> Result<Self::Answer, Failure> {
        let answer = Self::answer(connection, slice::from_ref(self))?.into_iter().next().flatten();
        answer.ok_or_else(|| Failure::Contended("met others again and again".to_owned()))
    }
}

/// See the module.
pub(crate) struct Gathering<C: Connection + Send + 'static, Q: Question<C>> {
    lane: Lane<C>,
    waiting: Arc<Mutex<Waiting<Q, Q::Answer>>>,
}

struct Waiting<Q, A> {
    places: VecDeque<Place<Q, A>>,
    /// Batches that are under way, and how many may be.
    rounds: usize,
    most_rounds: usize,
}

struct Place<Q, A> {
    question: Q,
    asker: Asker<A>,
    since: Instant,
}

impl<C: Connection + Send + 'static, Q: Question<C>> Gathering<C, Q> {
    /// Questions that are answered on a lane, on at most so many of its connections at the same time, and on more while
    /// those are held up.
    pub(crate) fn new(lane: Lane<C>, most_rounds: usize) -> Self {
        let waiting = Waiting { places: VecDeque::new(), rounds: 0, most_rounds };
        Self { lane, waiting: Arc::new(Mutex::new(waiting)) }
    }

    /// Asks, and waits for the answer as long as [`Lane::run`] does.
    pub(crate) async fn ask(&self, question: Q) -> Result<Q::Answer, StoreError> {
        let answer = self.put(question)?;
        answer.get(HOLD_UP, || self.begin_round(lock(&self.waiting), MOST_HELD_UP)).await
    }

    fn put(&self, question: Q) -> Result<Answer<Q::Answer>, StoreError> {
        let (asker, answer) = ask();
        let mut waiting = lock(&self.waiting);
        if waiting.places.len() >= QUEUE_LENGTH {
            return Err(unavailable("too many wait for a connection"));
        }
        waiting.places.push_back(Place { question, asker, since: Instant::now() });
        let most = waiting.most_rounds;
        self.begin_round(waiting, most);
        Ok(answer)
    }

    /// Begins another round, unless there are so many.
    fn begin_round(&self, mut waiting: MutexGuard<'_, Waiting<Q, Q::Answer>>, most: usize) {
        if waiting.rounds < most {
            waiting.rounds += 1;
            drop(waiting);
            Round { lane: self.lane.clone(), waiting: Arc::clone(&self.waiting), has_asked: false, is_over: false }
                .post();
        }
    }
}

/// A batch after the other, for as long as somebody waits.
struct Round<C: Connection + Send + 'static, Q: Question<C>> {
    lane: Lane<C>,
    waiting: Arc<Mutex<Waiting<Q, Q::Answer>>>,
    has_asked: bool,
    is_over: bool,
}

impl<C: Connection + Send + 'static, Q: Question<C>> Round<C, Q> {
    /// Goes on when a thread of the lane is free.
    fn post(self) {
        let lane = self.lane.clone();
        // Where it fails the round is dropped.
        let _ = lane.post(Box::new(move |connections| self.run(connections)));
    }

    fn run(mut self, connections: &Connections<C>) {
        loop {
            let batch = self.take();
            if batch.is_empty() {
                return;
            }
            // Whoever was among them is told by the loss of his asker.
            if catch_unwind(AssertUnwindSafe(|| self.ask(connections, batch))).is_err() {
                tracing::error!("work on the database panicked");
            }
            // Others have waited for the thread meanwhile.
            if self.lane.is_waited_for() {
                return self.post();
            }
        }
    }

    /// Those whose turn it is: as many as may be together, from the first on. Where there are none, or there are enough
    /// other rounds again, this one is over.
    fn take(&mut self) -> Vec<Place<Q, Q::Answer>> {
        let mut waiting = lock(&self.waiting);
        if self.has_asked && waiting.rounds > waiting.most_rounds {
            waiting.rounds -= 1;
            self.is_over = true;
            return Vec::new();
        }
        self.has_asked = true;
        let mut batch: Vec<Place<Q, Q::Answer>> = Vec::new();
        while batch.len() < Q::MOST
            && let Some(next) = waiting.places.front()
            && (batch.is_empty() || !next.question.is_alone())
            && let Some(place) = waiting.places.pop_front()
        {
            let is_alone = place.question.is_alone();
            if place.asker.begin() {
                batch.push(place);
                if is_alone {
                    break;
                }
            }
        }
        if batch.is_empty() {
            // Under the same lock: whoever comes next begins a new one.
            waiting.rounds -= 1;
            self.is_over = true;
        }
        batch
    }

    fn ask(&self, connections: &Connections<C>, batch: Vec<Place<Q, Q::Answer>>) {
        let (questions, askers): (Vec<Q>, Vec<_>) =
            batch.into_iter().map(|place| (place.question, (place.asker, place.since))).unzip();
        let answered = perform(connections, &mut |connection: &mut C| match questions.as_slice() {
            [question] if question.is_alone() => Ok(vec![Some(question.answer_alone(connection)?)]),
            questions => Q::answer(connection, questions),
        });
        match answered {
            Ok(answers) => {
                for ((question, (asker, since)), answer) in questions.into_iter().zip(askers).zip(answers) {
                    match answer {
                        Some(answer) => asker.answer(Ok(answer)),
                        None => self.ask_alone(question, asker, since),
                    }
                }
            }
            Err(failure) if questions.len() > 1 && failure.may_be_of_one() => {
                tracing::debug!(%failure, "what failed together is done one by one");
                for (question, (asker, since)) in questions.into_iter().zip(askers) {
                    self.ask_alone(question, asker, since);
                }
            }
            Err(failure) => askers.into_iter().for_each(|(asker, _)| asker.answer(Err(failure.clone()))),
        }
    }

    /// Asks again, by itself, when a thread is free: each on its own, so that one that has to wait keeps up no other.
    fn ask_alone(&self, question: Q, asker: Asker<Q::Answer>, since: Instant) {
        let job = move |connections: &Connections<C>| {
            if since.elapsed() > PATIENCE {
                return asker.answer(Err(Failure::Unavailable("not done in time".to_owned())));
            }
            asker.answer(perform(connections, &mut |connection: &mut C| question.answer_alone(connection)));
        };
        // Where it fails the asker is dropped with the job.
        let _ = self.lane.post(Box::new(job));
    }
}

/// A round that cannot go on takes along those who wait for it.
impl<C: Connection + Send + 'static, Q: Question<C>> Drop for Round<C, Q> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut waiting = lock(&self.waiting);
        waiting.rounds -= 1;
        waiting.places.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use diesel::SqliteConnection;

    use super::*;

    /// What a question does when it is asked.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Does {
        Answers,
        IsAlone,
        /// Fails whomever it is asked with.
        Fails,
        /// Wants to be asked by itself.
        WantsToBeAlone,
        Panics,
    }

    struct Number {
        number: u32,
        does: Does,
        /// Who was asked with whom.
        log: Arc<Mutex<Vec<Vec<u32>>>>,
    }

    impl Question<SqliteConnection> for Number {
        type Answer = u32;

        const MOST: usize = 8;

        fn is_alone(&self) -> bool {
            self.does == Does::IsAlone
        }

        fn answer(_: &mut SqliteConnection, questions: &[Self]) -> Result<Vec<Option<u32>>, Failure> {
            let together: Vec<u32> = questions.iter().map(|question| question.number).collect();
            lock(&questions[0].log).push(together);
            assert!(questions.iter().all(|question| question.does != Does::Panics), "it panics as the test wants");
            if questions.iter().any(|question| question.does == Does::Fails) {
                return Err(Failure::Rejected("as the test wants".to_owned()));
            }
            let is_together = questions.len() > 1;
            let answer = |question: &Self| {
                let again = is_together && question.does == Does::WantsToBeAlone;
                (!again).then_some(question.number)
            };
            Ok(questions.iter().map(answer).collect())
        }
    }

    type Asked = Vec<Result<u32, StoreError>>;

    /// A gathering on a lane whose one thread is busy until what comes with it is dropped.
    fn held_up() -> (Gathering<SqliteConnection, Number>, mpsc::Sender<()>) {
        let lane = lane(1);
        let (release, released) = mpsc::channel::<()>();
        let busy = move |_: &Connections<_>| assert!(released.recv().is_err(), "nothing is sent");
        lane.post(Box::new(busy)).unwrap();
        (Gathering::new(lane, 1), release)
    }

    fn lane(size: u8) -> Lane<SqliteConnection> {
        let open = || SqliteConnection::establish(":memory:").map_err(|error| Failure::Unavailable(error.to_string()));
        Lane::new(size, open)
    }

    /// Asks these while the one thread of a lane is busy, so that all of them wait when it is free, and returns what was
    /// answered and who was asked with whom.
    async fn asked(all: &[Does]) -> (Asked, Vec<Vec<u32>>) {
        let (gathering, release) = held_up();
        let log = Arc::new(Mutex::new(Vec::new()));
        let question = |(number, does): (u32, &Does)| Number { number, does: *does, log: log.clone() };
        let waiting: Vec<_> = (0..).zip(all).map(question).map(|question| gathering.put(question).unwrap()).collect();
        drop(release);
        let mut answers = Vec::new();
        for answer in waiting {
            answers.push(answer.get(HOLD_UP, || {}).await);
        }
        let log = lock(&log).clone();
        (answers, log)
    }

    #[tokio::test]
    async fn those_who_wait_are_asked_together_in_their_order_as_many_as_may_be() {
        let (answers, log) = asked(&[Does::Answers; 10]).await;
        assert_eq!(answers, (0..10).map(Ok).collect::<Vec<_>>());
        assert_eq!(log, [vec![0, 1, 2, 3, 4, 5, 6, 7], vec![8, 9]]);
    }

    #[tokio::test]
    async fn one_that_is_alone_is_asked_in_its_turn_with_nobody() {
        let (answers, log) = asked(&[Does::Answers, Does::IsAlone, Does::Answers, Does::Answers]).await;
        assert_eq!(answers, (0..4).map(Ok).collect::<Vec<_>>());
        assert_eq!(log, [vec![0], vec![1], vec![2, 3]]);
    }

    #[tokio::test]
    async fn what_fails_for_the_fault_of_one_is_answered_to_all_others() {
        let (answers, log) = asked(&[Does::Answers, Does::Fails, Does::Answers]).await;
        assert_eq!((&answers[0], &answers[2]), (&Ok(0), &Ok(2)));
        assert!(matches!(answers[1], Err(StoreError::Rejected(_))), "{answers:?}");
        assert_eq!(log, [vec![0, 1, 2], vec![0], vec![1], vec![2]]);
    }

    #[tokio::test]
    async fn one_that_collides_with_others_is_asked_again_by_itself() {
        let (answers, log) = asked(&[Does::Answers, Does::WantsToBeAlone, Does::Answers]).await;
        assert_eq!(answers, (0..3).map(Ok).collect::<Vec<_>>());
        assert_eq!(log, [vec![0, 1, 2], vec![1]]);
    }

    #[tokio::test]
    async fn a_panic_is_told_to_those_who_were_asked_together_and_the_next_are_answered() {
        let mut all = [Does::Answers; 10];
        all[3] = Does::Panics;
        let (answers, _) = asked(&all).await;
        assert!(answers[..8].iter().all(|answer| matches!(answer, Err(StoreError::Rejected(_)))), "{answers:?}");
        assert_eq!(answers[8..], [Ok(8), Ok(9)]);
    }

    #[tokio::test]
    #[expect(clippy::await_holding_lock, reason = "it is what holds the batch up")]
    async fn who_waits_for_a_batch_that_is_held_up_gets_another() {
        let gathering: Gathering<_, Number> = Gathering::new(lane(2), 1);
        let log = Arc::new(Mutex::new(Vec::new()));
        // Whoever answers the first question notes whom he asks, and so waits for the log.
        let held = lock(&log);
        let first = gathering.put(Number { number: 1, does: Does::Answers, log: log.clone() }).unwrap();
        while !first.is_begun() {
            tokio::task::yield_now().await;
        }
        let other_log = Arc::new(Mutex::new(Vec::new()));
        assert_eq!(gathering.ask(Number { number: 2, does: Does::Answers, log: other_log }).await, Ok(2));
        drop(held);
        assert_eq!(first.get(HOLD_UP, || {}).await, Ok(1));
    }

    #[tokio::test]
    async fn the_queue_has_an_end() {
        let all = [Does::Answers; QUEUE_LENGTH];
        let (gathering, release) = held_up();
        let log = Arc::new(Mutex::new(Vec::new()));
        let question = |number, does| Number { number, does, log: log.clone() };
        let waiting: Vec<_> = all.iter().map(|does| gathering.put(question(1, *does)).unwrap()).collect();
        let refused = gathering.ask(question(2, Does::Answers)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        drop(release);
        for answer in waiting {
            assert_eq!(answer.get(HOLD_UP, || {}).await, Ok(1));
        }
    }
}
