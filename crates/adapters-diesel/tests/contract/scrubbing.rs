//! What was removed from SQLite's tables is in none of its files.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use ports::StoreError;

use crate::delivering::held_endpoint;
use crate::fixture::Fixture;
use crate::making::{at, renamed};
use crate::person::{Person, Trace};

/// So many that SQLite's pages are filled, split and put together.
const PEOPLE: usize = 300;
/// How often the files are scrubbed while others write.
const ROUNDS: u32 = 200;

/// Every byte of every file of the database.
fn files(db: &Fixture) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(db.raw_url()).parent().unwrap();
    let read = |file: fs::DirEntry| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap());
    fs::read_dir(directory).unwrap().map(|file| read(file.unwrap())).collect()
}

/// Whether what is found is digits of a longer number, a time's or another person's, where a token is met by chance.
fn is_within_digits(content: &[u8], place: usize, length: usize) -> bool {
    let is_digit = |place: Option<usize>| place.and_then(|at| content.get(at)).is_some_and(u8::is_ascii_hexdigit);
    content[place..place + length].iter().all(u8::is_ascii_digit)
        && (is_digit(place.checked_sub(1)) || is_digit(place.checked_add(length)))
}

/// Which of these are found in the files.
fn found(db: &Fixture, traces: &[Trace]) -> Vec<String> {
    const LENGTH: usize = 6;
    let mut beginnings: HashMap<&[u8], Vec<&Trace>> = HashMap::new();
    for trace in traces {
        beginnings.entry(&trace.bytes[..LENGTH]).or_default().push(trace);
    }
    let mut found = Vec::new();
    for (name, content) in files(db) {
        for (place, window) in content.windows(LENGTH).enumerate() {
            for trace in beginnings.get(window).into_iter().flatten() {
                if content[place..].starts_with(&trace.bytes) && !is_within_digits(&content, place, trace.bytes.len()) {
                    found.push(format!("{} in {name} at {place}", trace.text));
                }
            }
        }
    }
    found
}

/// How many pages have something left in their unused part.
fn stale_pages(db: &Fixture) -> usize {
    let file = fs::read(db.raw_url()).unwrap();
    let is_stale = |(index, page): (usize, &[u8])| {
        let header = if index == 0 { 100 } else { 0 };
        let number_at = |place: usize| usize::from(u16::from_be_bytes([page[place], page[place + 1]]));
        let list = match page[header] {
            0x02 | 0x05 => header + 12,
            0x0a | 0x0d => header + 8,
            _ => return false,
        };
        let slack = list + 2 * number_at(header + 3)..number_at(header + 5);
        page[slack].iter().any(|byte| *byte != 0)
    };
    file.chunks(4_096).enumerate().filter(|page| is_stale(*page)).count()
}

async fn settle_detachments(db: &Fixture) {
    let queue = &db.database.detachments;
    for taken in queue.take_due_detachments("test", at(1_000), at(2_000), 10_000).await.unwrap() {
        queue.settle_detachment(taken.id).await.unwrap();
    }
}

/// Among many, who come, change and go in no order: SQLite moves rows from page to page all the time.
#[tokio::test]
async fn of_who_was_erased_nothing_is_left_in_any_file() {
    let db = Fixture::sqlite().await;
    let lease = held_endpoint(&db).await;
    let mut people: Vec<Person> = (0..PEOPLE).map(|_| Person::new()).collect();
    for (index, person) in people.iter_mut().enumerate() {
        if index % 10 == 0 {
            person.settle_in_full(&db, lease).await;
        } else {
            person.settle(&db).await;
        }
    }
    let (mut traces, mut left) = (Vec::new(), Vec::new());
    for (index, mut person) in people.into_iter().enumerate() {
        if index % 5 < 2 {
            traces.extend(person.traces());
            person.erase(&db, 10).await;
        } else {
            let name = "longer than before ".repeat(1 + index % 12);
            person.customer = db.save(&renamed(&person.customer, name.trim_end(), 11)).await;
            left.push(person);
        }
    }
    settle_detachments(&db).await;
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    assert!(stale_pages(&db) > 0, "there is something to be removed");

    assert!(db.database.retention.scrub().await.unwrap());
    assert_eq!(found(&db, &traces), [""; 0]);
    assert_eq!(stale_pages(&db), 0);
    let sizes: HashMap<String, usize> = files(&db).into_iter().map(|(name, content)| (name, content.len())).collect();
    assert_eq!(sizes["customers.db-wal"], 0);
    // Nothing else of anybody is gone.
    assert!(db.is_true("(SELECT group_concat(integrity_check) FROM pragma_integrity_check) = 'ok'"));
    for person in &left {
        assert_eq!(db.find(person.id()).await.as_ref(), Some(&person.customer));
    }
    let others: Vec<Trace> = left.iter().flat_map(Person::traces).collect();
    assert!(found(&db, &others).len() > left.len(), "what is there is found");
}

#[tokio::test]
async fn who_reads_keeps_the_log_from_being_emptied_and_it_is_tried_again() {
    let db = Fixture::sqlite().await;
    let mut person = Person::new();
    person.settle(&db).await;
    person.erase(&db, 10).await;
    let mut reader = db.raw();
    reader.batch_execute("BEGIN; SELECT count(*) FROM customers").unwrap();
    Person::new().settle(&db).await;
    assert!(!db.database.retention.scrub().await.unwrap());
    reader.batch_execute("COMMIT").unwrap();
    assert!(db.database.retention.scrub().await.unwrap());
}

/// Going through a large file takes a while: it is not done after each start, but after one that follows an erasure whose
/// traces nobody has removed yet.
#[tokio::test]
async fn the_traces_of_an_erasure_are_looked_for_until_they_are_gone_and_not_again() {
    let db = Fixture::sqlite().await;
    let mut people: Vec<Person> = (0..PEOPLE).map(|_| Person::new()).collect();
    let rename = async |people: &mut Vec<Person>, name: &str, at| {
        for (index, person) in people.iter_mut().enumerate() {
            let name = name.repeat(1 + index % 12);
            person.customer = db.save(&renamed(&person.customer, name.trim_end(), at)).await;
        }
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        assert!(stale_pages(&db) > 0, "there is something to be removed");
    };
    for person in &mut people {
        person.settle(&db).await;
    }
    rename(&mut people, "longer than before ", 11).await;
    assert!(db.database.retention.scrub().await.unwrap());
    assert!(stale_pages(&db) > 0, "nobody was erased");

    let erased = people.pop().unwrap();
    erased.erase(&db, 12).await;
    settle_detachments(&db).await;
    let after_a_start = db.second().await;
    assert!(after_a_start.retention.scrub().await.unwrap());
    assert_eq!(stale_pages(&db), 0);
    assert_eq!(found(&db, &erased.traces()), [""; 0]);

    rename(&mut people, "not what it was ", 13).await;
    assert!(db.second().await.retention.scrub().await.unwrap());
    assert!(stale_pages(&db) > 0, "nobody was erased since");
}

/// Pages are written anew while their rows are written by others, here and in another process.
#[tokio::test]
async fn whoever_writes_meanwhile_loses_nothing() {
    let db = Fixture::sqlite().await;
    let other = db.second().await;
    let scrubbing = tokio::spawn({
        let retention = other.retention.clone();
        async move {
            let mut rounds = 0;
            loop {
                match retention.scrub().await {
                    Ok(_) => rounds += 1,
                    Err(StoreError::Unavailable(_)) => {}
                    Err(other) => panic!("{other}"),
                }
                if rounds == ROUNDS {
                    return;
                }
            }
        }
    });
    let (mut people, mut traces) = (Vec::new(), Vec::new());
    while !scrubbing.is_finished() {
        let mut person = Person::new();
        person.settle(&db).await;
        if people.len() % 3 == 0 {
            traces.extend(person.traces());
            person.erase(&db, 5).await;
        } else {
            person.customer = db.save(&renamed(&person.customer, &"longer ".repeat(1 + people.len() % 30), 6)).await;
        }
        people.push(person);
    }
    scrubbing.await.unwrap();
    settle_detachments(&db).await;
    // What was settled is looked for with the next who is erased: the last pass may have begun after the last erasure.
    let mut last = Person::new();
    last.settle(&db).await;
    last.erase(&db, 5).await;
    assert!(db.database.retention.scrub().await.unwrap());
    assert_eq!(found(&db, &traces), [""; 0], "who was erased while others were looked for is looked for too");
    for (index, person) in people.iter().enumerate() {
        let expected = (index % 3 > 0).then_some(&person.customer);
        assert_eq!(db.find(person.id()).await.as_ref(), expected);
    }
    assert!(db.is_true("(SELECT group_concat(integrity_check) FROM pragma_integrity_check) = 'ok'"));
}
