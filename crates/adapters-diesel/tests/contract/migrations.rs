//! Migrations: twice, back, and by several processes at once.

use adapters_diesel::Database;
use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource};
use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use ports::{Readiness, StoreError};

use crate::fixture::Fixture;
use crate::making::{creation, new_customer};

crate::on_both_databases!(
    on an empty database:
    they_run_once_and_make_the_store_ready,
    eight_processes_may_start_at_once,
    they_go_up_and_down_and_up_again,
);

async fn they_run_once_and_make_the_store_ready(db: Fixture) {
    assert_eq!(db.database.installation.readiness().await.unwrap(), Readiness::MigrationsPending);
    let refused = db.database.customers.find(new_customer().id).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let names = db.database.migrate().await.unwrap();
    assert_eq!(names[0], "2026-11-23-000001_create_customers");
    assert_eq!(db.database.installation.readiness().await.unwrap(), Readiness::Ready);
    assert_eq!(db.database.migrate().await.unwrap(), [""; 0]);
    db.save(&creation(new_customer())).await;
}

async fn eight_processes_may_start_at_once(db: Fixture) {
    let mut processes: Vec<Database> = Vec::new();
    for _ in 0..8 {
        processes.push(db.second().await);
    }
    let migrations: Vec<_> = processes
        .into_iter()
        .map(|process| tokio::spawn(async move { process.migrate().await.unwrap().len() }))
        .collect();
    let mut ran = Vec::new();
    for migration in migrations {
        ran.push(migration.await.unwrap());
    }
    ran.sort_unstable();
    assert!(ran[..7].iter().all(|count| *count == 0) && ran[7] > 0, "one ran them, once: {ran:?}");
    assert_eq!(db.database.installation.readiness().await.unwrap(), Readiness::Ready);
}

async fn they_go_up_and_down_and_up_again(db: Fixture) {
    let up = db.database.migrate().await.unwrap();
    let down = if db.is_sqlite() {
        revert_all(&mut SqliteConnection::establish(db.raw_url()).unwrap(), "sqlite")
    } else {
        revert_all(&mut PgConnection::establish(db.raw_url()).unwrap(), "postgresql")
    };
    assert_eq!(down, up.len());
    assert_eq!(db.database.installation.readiness().await.unwrap(), Readiness::MigrationsPending);
    assert_eq!(db.database.migrate().await.unwrap(), up);
    let customer = db.save(&creation(new_customer())).await;
    assert_eq!(db.find(customer.id()).await, Some(customer));
}

fn files(kind: &str) -> FileBasedMigrations {
    let path = format!("{}/../../migrations/{kind}", env!("CARGO_MANIFEST_DIR"));
    FileBasedMigrations::from_path(path).unwrap()
}

fn revert_all<C: MigrationHarness<DB>, DB: Backend>(connection: &mut C, kind: &str) -> usize
where
    FileBasedMigrations: MigrationSource<DB>,
{
    connection.revert_all_migrations(files(kind)).unwrap().len()
}

#[test]
fn both_databases_have_the_same_migrations() {
    fn names<DB: Backend>(kind: &str) -> Vec<String>
    where
        FileBasedMigrations: MigrationSource<DB>,
    {
        let migrations: Vec<Box<dyn Migration<DB>>> = files(kind).migrations().unwrap();
        let mut names: Vec<String> = migrations.iter().map(|migration| migration.name().to_string()).collect();
        names.sort();
        names
    }
    assert_eq!(names::<diesel::sqlite::Sqlite>("sqlite"), names::<diesel::pg::Pg>("postgresql"));
}
