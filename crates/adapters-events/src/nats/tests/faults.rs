//! Servers that die, are silent or hang up.

use super::*;
use std::collections::VecDeque;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

#[tokio::test]
async fn over_the_death_of_the_server_nothing_is_lost_or_repeated_or_out_of_order() {
    const EVENTS: u128 = 600;
    let mut server = Server::start().await;
    let broker = server.broker();
    let mut waiting: VecDeque<_> = (0..EVENTS).map(event).collect();
    let (mut failed, mut slowest) = (0, Duration::ZERO);
    for round in 0_u32.. {
        if waiting.is_empty() {
            break;
        }
        let some: Vec<_> = waiting.iter().take(20).cloned().collect();
        let begun = Instant::now();
        // Killed while a publish is under way, and started again after some have failed.
        let outcomes = if round == 10 {
            let publishing = broker.publish(some);
            let (outcomes, ()) = tokio::join!(publishing, async { server.kill() });
            outcomes
        } else {
            broker.publish(some).await
        };
        slowest = slowest.max(begun.elapsed());
        if round == 13 {
            server.restart().await;
        }
        failed += outcomes.iter().filter(|outcome| outcome.is_err()).count();
        // As the dispatcher does: nothing passes one that was not stored.
        let stored = outcomes.iter().take_while(|outcome| outcome.is_ok()).count();
        waiting.drain(..stored);
    }
    assert!(failed >= 60, "the server was dead for three rounds: {failed}");
    assert!(slowest < Duration::from_secs(6), "{slowest:?}");

    let stream = server.jetstream().await.get_stream("CUSTOMERS").await.unwrap();
    assert_eq!(u128::from(stream.cached_info().state.messages), EVENTS);
    for number in 0..EVENTS {
        let message = stream.get_raw_message(u64::try_from(number).unwrap() + 1).await.unwrap();
        assert_eq!(message.headers.get("Nats-Msg-Id").unwrap().as_str(), event(number).id.to_string());
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_found_when_it_is() {
    let mut server = Server::start().await;
    server.kill();
    let broker = server.broker();
    let refused = "NATS cannot be reached: the connection was refused";
    assert_eq!(publish_one(&broker, event(1)).await.unwrap_err(), refused);
    server.restart().await;
    assert_eq!(publish_one(&broker, event(1)).await, Ok(()));
}

#[tokio::test]
async fn a_connection_that_was_lost_while_it_was_idle_is_made_anew() {
    let mut server = Server::start().await;
    let broker = server.broker();
    assert_eq!(publish_one(&broker, event(1)).await, Ok(()));
    let link = broker.link().await.unwrap();
    server.kill();
    link.lost().await;
    server.restart().await;
    assert_eq!(publish_one(&broker, event(2)).await, Ok(()));
    assert!(!broker.link().await.unwrap().is(&link));
}

/// What a server that only pretends does with a connection.
#[derive(Debug, Clone, Copy)]
enum Play {
    /// Says nothing.
    Silent,
    /// Lets the client in and answers nothing else.
    NoAnswers,
    /// Lets the client in and hangs up at the first message.
    HangsUp,
}

/// Such a server; the channel tells each time that a connection has ended.
async fn pretend(play: Play) -> (String, mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    let (send_ended, ended) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let ended = send_ended.clone();
            tokio::spawn(async move {
                perform(play, stream).await.ok();
                ended.send(()).ok();
            });
        }
    });
    (url, ended)
}

async fn perform(play: Play, mut stream: TcpStream) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    if !matches!(play, Play::Silent) {
        let info = r#"{"server_id":"x","version":"2.10.0","max_payload":1048576,"headers":true,"proto":1}"#;
        write.write_all(format!("INFO {info}\r\n").as_bytes()).await?;
    }
    while let Some(line) = lines.next_line().await? {
        match play {
            Play::HangsUp if line.starts_with("HPUB") => return Ok(()),
            Play::NoAnswers | Play::HangsUp if line == "PING" => write.write_all(b"PONG\r\n").await?,
            _ => (),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_silent_is_waited_for_in_bounds() {
    let (url, mut ended) = pretend(Play::Silent).await;
    let broker = impatient(&url);
    let error = publish_one(&broker, event(1)).await.unwrap_err();
    assert!(error.starts_with("NATS cannot be reached: no answer within 0.2"), "{error}");
    ended.recv().await.unwrap();
}

#[tokio::test]
async fn behind_a_server_that_is_silent_the_next_one_is_tried() {
    let (silent, _ended) = pretend(Play::Silent).await;
    let server = Server::start().await;
    let broker = broker(&format!("{silent},{}", server.url()));
    assert_eq!(publish_one(&broker, event(1)).await, Ok(()));
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_the_wait_and_the_connection() {
    let (url, mut ended) = pretend(Play::NoAnswers).await;
    let broker = impatient(&url);
    let outcomes = broker.publish(vec![event(1), event(2)]).await;
    let slow = Err("no answer from NATS within 0.3 seconds".to_owned());
    assert_eq!(outcomes, [slow.clone(), slow]);
    ended.recv().await.unwrap();
}

#[tokio::test]
async fn a_connection_that_ends_ends_the_wait_at_once() {
    let (url, _ended) = pretend(Play::HangsUp).await;
    let begun = Instant::now();
    let outcomes = broker(&url).publish(vec![event(1), event(2)]).await;
    let lost = Err("the connection to NATS was lost".to_owned());
    assert_eq!(outcomes, [lost.clone(), lost]);
    assert!(begun.elapsed() < LIMIT);
}

#[tokio::test]
async fn dropping_the_broker_ends_its_connection() {
    let (url, mut ended) = pretend(Play::NoAnswers).await;
    let broker = broker(&url);
    broker.link().await.unwrap();
    assert!(ended.try_recv().is_err());
    drop(broker);
    ended.recv().await.unwrap();
}

#[tokio::test]
async fn publishers_that_come_together_share_one_connection() {
    let (url, _ended) = pretend(Play::NoAnswers).await;
    let broker = broker(&url);
    let links = futures_util::future::join_all((0..20).map(|_| broker.link())).await;
    let first = links[0].as_ref().unwrap();
    assert!(links.iter().all(|link| link.as_ref().unwrap().is(first)));
}
