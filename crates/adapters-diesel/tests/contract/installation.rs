//! The installation itself.

use ports::Digest;

use crate::fixture::Fixture;

crate::on_both_databases!(
    the_first_check_value_stays_and_all_who_ask_get_it,
    many_who_store_a_check_value_at_once_agree,
    a_check_value_is_replaced_only_where_the_old_one_is_stored,
);

async fn the_first_check_value_stays_and_all_who_ask_get_it(db: Fixture) {
    let installation = &db.database.installation;
    assert_eq!(installation.secret_check(Digest([1; 32])).await.unwrap(), Digest([1; 32]));
    assert_eq!(installation.secret_check(Digest([2; 32])).await.unwrap(), Digest([1; 32]));
    assert_eq!(db.second().await.installation.secret_check(Digest([3; 32])).await.unwrap(), Digest([1; 32]));
}

async fn many_who_store_a_check_value_at_once_agree(db: Fixture) {
    let other = db.second().await;
    let asks: Vec<_> = (1..=16)
        .map(|byte| {
            let installation = if byte % 2 == 0 { &db.database } else { &other }.installation.clone();
            tokio::spawn(async move { installation.secret_check(Digest([byte; 32])).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for ask in asks {
        answers.push(ask.await.unwrap());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

async fn a_check_value_is_replaced_only_where_the_old_one_is_stored(db: Fixture) {
    let installation = &db.database.installation;
    let [first, second, third] = [1, 2, 3].map(|byte| Digest([byte; 32]));
    assert_eq!(installation.secret_check(first).await.unwrap(), first);
    assert_eq!(installation.replace_secret_check(second, third).await.unwrap(), first);
    assert_eq!(installation.secret_check(third).await.unwrap(), first);
    assert_eq!(installation.replace_secret_check(first, second).await.unwrap(), second);
    assert_eq!(installation.secret_check(third).await.unwrap(), second);
}
