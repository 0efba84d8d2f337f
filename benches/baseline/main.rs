//! What an ordinary handler of this stack does, to compare the service with: actix-web, diesel, r2d2 and the same
//! libraries of the databases. A statement for a read and a transaction for a change, each on a blocking thread with a
//! connection of a pool; no key is checked, nothing is logged.
//!
//!     baseline DATABASE_URL
//!
//! The database is one that the service has made. Prints the address that it listens on.

#![expect(clippy::print_stdout, reason = "the address is the answer")]
#![expect(clippy::disallowed_methods, reason = "the ordinary way asks the machine for times and ids")]

use std::io::Error;
use std::net::TcpListener;

use actix_web::error::ErrorNotFound;
use actix_web::{App, HttpResponse, HttpServer, web};
use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
// Named for their features alone: both client libraries are compiled in.
use libsqlite3_sys as _;
use pq_sys as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize)]
struct Customer {
    id: Uuid,
    phone_number: Option<String>,
    unconfirmed_phone_number: String,
    country_code: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    confirmation_token: Option<String>,
    confirmed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct NewCustomer {
    unconfirmed_phone_number: String,
    country_code: String,
}

impl Customer {
    fn new(new: NewCustomer) -> Self {
        let now = Utc::now();
        Self {
            id: Uuid::now_v7(),
            phone_number: None,
            unconfirmed_phone_number: new.unconfirmed_phone_number,
            country_code: new.country_code,
            email: None,
            first_name: None,
            last_name: None,
            confirmation_token: Some("123456".to_owned()),
            confirmed_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// The same for either database, which differ in how they write an id and a time.
macro_rules! database {
    ($database:ident, $connection:ty, $id_type:ident, $time_type:ident, $begin:ident, $into:expr, $from:expr) => {
        mod $database {
            use super::*;

            diesel::table! {
                customers (id) {
                    id -> $id_type,
                    phone_number -> Nullable<Text>,
                    unconfirmed_phone_number -> Text,
                    country_code -> Text,
                    email -> Nullable<Text>,
                    first_name -> Nullable<Text>,
                    last_name -> Nullable<Text>,
                    confirmation_token -> Nullable<Text>,
                    confirmed_at -> Nullable<$time_type>,
                    token_generated_at -> Nullable<$time_type>,
                    token_wrong_tries -> BigInt,
                    wrong_tries -> Text,
                    tokens_in_row -> BigInt,
                    sequence -> BigInt,
                    revision -> BigInt,
                    version -> BigInt,
                    created_at -> $time_type,
                    updated_at -> $time_type,
                }
            }

            diesel::table! {
                events (id) {
                    id -> $id_type,
                    customer_id -> $id_type,
                    sequence -> BigInt,
                    #[sql_name = "type"]
                    kind -> Text,
                    occurred_at -> $time_type,
                    payload -> Text,
                }
            }

            type Connections = Pool<ConnectionManager<$connection>>;

            async fn retrieve(
                pool: web::Data<Connections>,
                id: web::Path<Uuid>,
            ) -> Result<HttpResponse, actix_web::Error> {
                let id = id.into_inner();
                let found = web::block(move || {
                    let (into_id, from) = $from;
                    let mut connection = pool.get().map_err(Error::other)?;
                    let connection: &mut $connection = &mut connection;
                    let row = customers::table
                        .find(into_id(id))
                        .select((
                            customers::phone_number,
                            customers::unconfirmed_phone_number,
                            customers::country_code,
                            customers::email,
                            customers::first_name,
                            customers::last_name,
                            customers::confirmation_token,
                            customers::confirmed_at,
                            customers::created_at,
                            customers::updated_at,
                        ))
                        .first::<(
                            Option<String>,
                            String,
                            String,
                            Option<String>,
                            Option<String>,
                            Option<String>,
                            Option<String>,
                            _,
                            _,
                            _,
                        )>(connection)
                        .optional()
                        .map_err(Error::other)?;
                    Ok::<_, Error>(row.map(|row| Customer {
                        id,
                        phone_number: row.0,
                        unconfirmed_phone_number: row.1,
                        country_code: row.2,
                        email: row.3,
                        first_name: row.4,
                        last_name: row.5,
                        confirmation_token: row.6,
                        confirmed_at: Option::map(row.7, from),
                        created_at: from(row.8),
                        updated_at: from(row.9),
                    }))
                })
                .await??;
                found.map(|customer| HttpResponse::Ok().json(customer)).ok_or_else(|| ErrorNotFound("not found"))
            }

            async fn create(
                pool: web::Data<Connections>,
                new: web::Json<NewCustomer>,
            ) -> Result<HttpResponse, actix_web::Error> {
                let customer = Customer::new(new.into_inner());
                let customer = web::block(move || {
                    let mut connection = pool.get().map_err(Error::other)?;
                    let connection: &mut $connection = &mut connection;
                    let payload = serde_json::to_string(&customer)?;
                    let (into_id, into_time) = $into;
                    let now = into_time(customer.created_at);
                    let work = |connection: &mut $connection| {
                        let row = (
                            customers::id.eq(into_id(customer.id)),
                            customers::unconfirmed_phone_number.eq(&customer.unconfirmed_phone_number),
                            customers::country_code.eq(&customer.country_code),
                            customers::confirmation_token.eq(&customer.confirmation_token),
                            customers::token_generated_at.eq(now),
                            customers::token_wrong_tries.eq(0),
                            customers::wrong_tries.eq(""),
                            customers::tokens_in_row.eq(1),
                            customers::sequence.eq(1),
                            customers::revision.eq(1),
                            customers::version.eq(1),
                            customers::created_at.eq(now),
                            customers::updated_at.eq(now),
                        );
                        diesel::insert_into(customers::table).values(row).execute(connection)?;
                        let event = (
                            events::id.eq(into_id(Uuid::now_v7())),
                            events::customer_id.eq(into_id(customer.id)),
                            events::sequence.eq(1),
                            events::kind.eq("verification"),
                            events::occurred_at.eq(now),
                            events::payload.eq(&payload),
                        );
                        diesel::insert_into(events::table).values(event).execute(connection)
                    };
                    connection.$begin(work).map_err(Error::other)?;
                    Ok::<_, Error>(customer)
                })
                .await??;
                Ok(HttpResponse::Created().json(customer))
            }

            pub(super) async fn serve(listener: TcpListener, url: &str) -> Result<(), Error> {
                // One statement is what a read costs: without another that tests the connection.
                let pool = Pool::builder().test_on_check_out(false).connection_customizer(Box::new(super::Settings));
                let pool = pool.build(ConnectionManager::<$connection>::new(url)).map_err(Error::other)?;
                let pool = web::Data::new(pool);
                let app = move || {
                    App::new()
                        .app_data(pool.clone())
                        .route("/fixed", web::get().to(fixed))
                        .route("/hook", web::post().to(accept))
                        .route("/v1/customers/{id}", web::get().to(retrieve))
                        .route("/v1/customers", web::post().to(create))
                };
                HttpServer::new(app).listen(listener)?.run().await
            }
        }
    };
}

database!(postgresql, PgConnection, Uuid, Timestamptz, transaction, (|id: Uuid| id, |time: DateTime<Utc>| time), {
    (|id: Uuid| id, |time: DateTime<Utc>| time)
});
database!(
    sqlite,
    SqliteConnection,
    Binary,
    BigInt,
    immediate_transaction,
    (|id: Uuid| id.as_bytes().to_vec(), |time: DateTime<Utc>| time.timestamp_millis()),
    (|id: Uuid| id.as_bytes().to_vec(), |time: i64| DateTime::from_timestamp_millis(time).unwrap_or_default())
);

/// What a connection is set to when it is opened.
#[derive(Debug)]
struct Settings;

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for Settings {}

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Settings {
    /// As durable as the service, with some patience for whoever else writes.
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        let settings = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";
        connection.batch_execute(settings).map_err(diesel::r2d2::Error::QueryError)
    }
}

/// What HTTP itself costs.
async fn fixed() -> HttpResponse {
    let document = r#"{"id":"019ac000-0000-7000-8000-000000000001","phone_number":null,"unconfirmed_phone_number":"+14185810827","country_code":"CA","email":null,"first_name":null,"last_name":null,"confirmation_token":"042917","billing_address_url":null,"shipping_address_url":null,"card_url":null,"confirmed_at":null,"confirmation_sent_at":null,"created_at":"2026-11-30T12:00:00.000Z","updated_at":"2026-11-30T12:00:00.000Z"}"#;
    HttpResponse::Ok().content_type("application/json").body(document)
}

/// Takes an event that the service delivers.
async fn accept(_: web::Bytes) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

#[actix_web::main]
async fn main() -> Result<(), Error> {
    let url = std::env::args().nth(1).ok_or_else(|| Error::other("say which database: baseline DATABASE_URL"))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    match url.strip_prefix("sqlite:") {
        Some(path) => sqlite::serve(listener, path).await,
        None => postgresql::serve(listener, &url).await,
    }
}
