//! Nothing secret is in what is written. A process of its own: the log is all of the process's.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io;
use std::sync::{Arc, Mutex};

use adapters_cards::{
    StripeCards, StripeSettings, check_stripe_publishable_key, check_stripe_secret_key, check_stripe_url,
};
use domain::{CustomerId, LinkId};
use ports::CardProvider;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_is_in_the_log_or_in_errors() {
    let log = Log::default();
    // Of this process: what plays the provider writes what it receives.
    let filter = tracing_subscriber::filter::filter_fn(|metadata| !metadata.target().starts_with("wiremock"));
    let layer = tracing_subscriber::fmt::layer().with_writer(log.clone()).with_ansi(false);
    let layer = tracing_subscriber::Layer::with_filter(layer, filter);
    let registry = tracing_subscriber::registry();
    tracing::subscriber::set_global_default(tracing_subscriber::layer::SubscriberExt::with(registry, layer)).unwrap();

    let server = MockServer::start().await;
    let settings = StripeSettings {
        api_url: check_stripe_url(&server.uri()).unwrap(),
        ..StripeSettings::new(
            check_stripe_secret_key("sk_test_hunter2").unwrap(),
            check_stripe_publishable_key("pk_test_1").unwrap(),
        )
    };
    let cards = StripeCards::new(&settings).unwrap();
    let quoting = json!({"error": {"type": "invalid_request_error", "message": "Invalid key: sk_test_hunter2"}});
    for (status, body) in [(500, quoting.to_string()), (401, quoting.to_string()), (200, "sk_test_hunter2".to_owned())]
    {
        let response = ResponseTemplate::new(status).set_body_string(body);
        let customers = Mock::given(method("POST")).and(path("/v1/customers"));
        customers.respond_with(response).up_to_n_times(1).mount(&server).await;
    }
    let setup = json!({"id": "seti_1", "client_secret": "seti_1_secret_hunter2", "status": "requires_payment_method"});
    let setups = Mock::given(method("POST")).and(path("/v1/setup_intents"));
    setups.respond_with(ResponseTemplate::new(200).set_body_json(setup)).mount(&server).await;

    let customer = CustomerId::from(Uuid::from_u128(7));
    let said = [
        format!("{settings:?} {cards:?}"),
        format!("{:?}", cards.create_customer(customer, None).await.unwrap_err()),
        cards.create_customer(customer, None).await.unwrap_err().to_string(),
        format!("{:?}", cards.create_setup("cus_1", LinkId::from(Uuid::from_u128(1)), None).await.unwrap()),
    ]
    .join("\n");

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the card provider refused") && logged.contains("the card provider is unavailable"));
    assert!(!logged.contains("hunter2") && !said.contains("hunter2"), "{said}\n{logged}");
}
