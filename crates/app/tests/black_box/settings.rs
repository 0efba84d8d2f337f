//! Settings that cannot be used stop the start with one line that names the setting, the value and what is allowed.

use test_support::{Output, Service};

use crate::world::{SECRET_KEY, binary};

fn refused(settings: &[(&str, &str)]) -> Output {
    let output = Service::run(binary(), &["serve"], settings, None);
    assert_eq!(output.status.code(), Some(2), "{settings:?}: {output:?}");
    assert_eq!(output.stdout, "");
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    output
}

#[test]
fn an_unusable_setting_is_named_with_its_value_and_what_is_allowed() {
    for (name, value, allowed) in [
        ("CUSTOMERS_LISTEN", "localhost", "127.0.0.1:8080"),
        ("CUSTOMERS_PUBLIC_URL", "customers.example.com", "https://"),
        ("CUSTOMERS_PUBLIC_URL", "https://customers.example.com/path", "without a path"),
        ("CUSTOMERS_DATABASE_URL", "mysql://db/customers", "sqlite:PATH"),
        ("CUSTOMERS_PHONE_VALIDATION", "strict", "valid, possible or any"),
        ("CUSTOMERS_CONFIRMATION_TTL", "5 minutes", "ms, s, m, h or d"),
        ("CUSTOMERS_CONFIRMATION_TTL", "0s", "above 0"),
        ("CUSTOMERS_CONFIRMATION_GRACE", "-1s", "ms, s, m, h or d"),
        ("CUSTOMERS_CONFIRMATION_ATTEMPTS", "0", "from 1"),
        ("CUSTOMERS_CONFIRMATION_DAILY_ATTEMPTS", "ten", "from 1"),
        ("CUSTOMERS_CONFIRMATION_RESEND_INTERVAL", "", "ms, s, m, h or d"),
        ("CUSTOMERS_LINK_TTL", "1y", "ms, s, m, h or d"),
        ("CUSTOMERS_CARD_LINK_TTL", "500d", "365d"),
        ("CUSTOMERS_RATE_LIMIT", "100", "such as 100/s"),
        ("CUSTOMERS_RATE_LIMIT", "0/s", "from 1"),
        ("CUSTOMERS_TRUSTED_PROXIES", "proxy", "10.0.0.0/8, ::1"),
        ("CUSTOMERS_TRUSTED_PROXIES", "10.0.0.0/33", "10.0.0.0/33"),
        ("CUSTOMERS_BRAND_NAME", " ", "100 characters"),
        ("CUSTOMERS_BRAND_COLOR", "green", "#1f6f5c"),
        ("CUSTOMERS_BRAND_LOGO_URL", "http://example.com/logo.svg", "https"),
        ("CUSTOMERS_BRAND_LOGO_URL", "javascript:alert(1)", "https"),
        ("CUSTOMERS_STRIPE_API_URL", "http://api.example.com", "https"),
        ("CUSTOMERS_STRIPE_JS_URL", "js.stripe.com", "https"),
        ("CUSTOMERS_EVENT_RETENTION", "0s", "above 0"),
        ("CUSTOMERS_EVENT_RETENTION", "forever", "ms, s, m, h or d"),
        ("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "", "commas"),
        ("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "5s,,2m", "commas"),
        ("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "5s;30s", "commas"),
        ("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "5s,400d", "commas"),
        ("CUSTOMERS_WEBHOOK_ALLOWED_NETWORKS", "localhost", "such as 10.1.0.0/16"),
        ("CUSTOMERS_WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/8,10.0.0.0/33", "10.0.0.0/33"),
        ("CUSTOMERS_NATS_URL", "", "nats://"),
        ("CUSTOMERS_NATS_URL", "http://nats.example.com", "nats:// or tls://"),
        ("CUSTOMERS_NATS_URL", "nats.example.com:4222", "nats://"),
        ("CUSTOMERS_NATS_URL", "nats://nats.example.com/stream", "the port"),
        ("CUSTOMERS_NATS_CREDENTIALS", "", "path"),
        ("CUSTOMERS_LOG", "loud=very", "debug"),
        ("CUSTOMERS_LOG", "verbose", "debug"),
        ("CUSTOMERS_LOG", "info,use_cases", "debug"),
        ("CUSTOMERS_LOG", "use_cases[request]=debug", "debug"),
        ("CUSTOMERS_LOG", "=debug", "debug"),
        ("CUSTOMERS_PUBLIC_URL", "https://customers.example.com:99999", "https://"),
        ("CUSTOMERS_LOG_FORMAT", "xml", "text or json"),
    ] {
        let output = refused(&[(name, value)]);
        for part in [name, &format!("{value:?}"), allowed] {
            assert!(output.stderr.contains(part), "{part} is not in {}", output.stderr);
        }
        assert_eq!(output.stderr.matches("must ").count(), 1, "{}", output.stderr);
    }
}

#[test]
fn secrets_and_passwords_are_not_shown() {
    for (name, value) in [
        ("CUSTOMERS_SECRET_KEY", "hunter2"),
        ("CUSTOMERS_SECRET_KEY_PREVIOUS", "hunter2"),
        ("CUSTOMERS_STRIPE_SECRET_KEY", "pk_test_hunter2"),
        ("CUSTOMERS_STRIPE_PUBLISHABLE_KEY", "sk_test_hunter2"),
        ("CUSTOMERS_DATABASE_URL", "mysql://yogi:hunter2@db/customers"),
        ("CUSTOMERS_DATABASE_URL", "postgres://yogi:hunter2%zz@db/customers"),
        ("CUSTOMERS_DATABASE_URL", "postgres://yogi:hunter2?34@db/customers"),
        ("CUSTOMERS_NATS_URL", "http://yogi:hunter2@nats.example.com"),
        ("CUSTOMERS_NATS_URL", "nats://yogi:hunter2@nats.example.com:99999"),
        ("CUSTOMERS_NATS_URL", "nats://yogi:hunter2@a.example.com,nats://yogi:hunter3@b.example.com"),
    ] {
        let output = refused(&[(name, value)]);
        assert!(output.stderr.contains(name) && !output.stderr.contains("hunter2"), "{}", output.stderr);
    }
}

#[test]
fn an_unknown_setting_is_refused_and_what_kubernetes_injects_is_not() {
    assert!(refused(&[("CUSTOMERS_LISTN", "127.0.0.1:0")]).stderr.contains("CUSTOMERS_LISTN"));
    let injected = [
        ("CUSTOMERS_SERVICE_HOST", "10.0.0.1"),
        ("CUSTOMERS_PORT", "tcp://10.0.0.1:80"),
        ("CUSTOMERS_PORT_80_TCP", "x"),
    ];
    drop(Service::start(binary(), &["serve"], &injected));
}

#[test]
fn a_public_address_needs_a_public_url_and_postgresql_a_secret_key() {
    assert!(refused(&[("CUSTOMERS_LISTEN", "0.0.0.0:0")]).stderr.contains("CUSTOMERS_PUBLIC_URL"));
    let settings = [("CUSTOMERS_DATABASE_URL", "postgres://127.0.0.1:1/customers")];
    assert!(refused(&settings).stderr.contains("CUSTOMERS_SECRET_KEY"));
}

#[test]
fn nats_credentials_must_be_a_file_of_them_and_need_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nats.creds");
    std::fs::write(&file, "hunter2").unwrap();
    let file = file.to_str().unwrap();
    let server = ("CUSTOMERS_NATS_URL", "nats://127.0.0.1:1");
    for (settings, part) in [
        (&[server, ("CUSTOMERS_NATS_CREDENTIALS", "/nowhere.creds")][..], "cannot be read"),
        (&[server, ("CUSTOMERS_NATS_CREDENTIALS", file)], "nsc generate creds"),
        (
            &[("CUSTOMERS_NATS_URL", "nats://yogi:hunter2@127.0.0.1:1"), ("CUSTOMERS_NATS_CREDENTIALS", file)],
            "leave one out",
        ),
        (&[("CUSTOMERS_NATS_CREDENTIALS", file)], "CUSTOMERS_NATS_URL is not set"),
    ] {
        let output = refused(settings);
        assert!(output.stderr.contains("CUSTOMERS_NATS_") && output.stderr.contains(part), "{}", output.stderr);
        assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    }
}

#[test]
fn of_the_card_providers_keys_both_are_needed_and_of_one_mode() {
    let (secret, publishable) = ("CUSTOMERS_STRIPE_SECRET_KEY", "CUSTOMERS_STRIPE_PUBLISHABLE_KEY");
    for (settings, part) in [
        (&[(secret, "sk_test_hunter2")][..], "CUSTOMERS_STRIPE_PUBLISHABLE_KEY is not set"),
        (&[(publishable, "pk_test_hunter2")], "CUSTOMERS_STRIPE_SECRET_KEY is not set"),
        (&[(secret, "sk_live_hunter2"), (publishable, "pk_test_hunter2")], "live"),
    ] {
        let output = refused(settings);
        assert!(output.stderr.contains(part) && !output.stderr.contains("hunter2"), "{}", output.stderr);
    }
    let keys = [(secret, "sk_test_hunter2"), (publishable, "pk_test_hunter2")];
    let service = Service::start(binary(), &["serve"], &keys);
    assert!(!service.logs().contains("hunter2"), "{}", service.logs());
}

#[test]
fn a_wrong_secret_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    drop(Service::start_in(directory.path(), binary(), &["serve"], &[]));
    let output = Service::run(binary(), &["serve"], &[("CUSTOMERS_SECRET_KEY", SECRET_KEY)], Some(directory.path()));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stderr.contains("CUSTOMERS_SECRET_KEY"), "{}", output.stderr);
}

#[test]
fn a_lost_key_file_stops_the_start_and_no_other_takes_its_place() {
    let directory = tempfile::tempdir().unwrap();
    drop(Service::start_in(directory.path(), binary(), &["serve"], &[]));
    let key_file = directory.path().join("customers.db.key");
    std::fs::remove_file(&key_file).unwrap();
    let output = Service::run(binary(), &["serve"], &[], Some(directory.path()));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stderr.contains("customers.db.key"), "{}", output.stderr);
    assert!(!key_file.exists());
}

#[test]
fn a_file_sets_what_the_environment_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("customers.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "log_format = \"json\"\nphone_validation = \"valid\"\nconfirmation_attempts = 3\n").unwrap();
    let settings = [("CUSTOMERS_PHONE_VALIDATION", "any")];
    let service = Service::start(binary(), &["serve", "--config", path], &settings);
    assert!(service.logs().lines().all(|line| line.starts_with('{')), "{}", service.logs());
    assert!(service.logs().contains("\"phone_validation\":\"any\""), "the environment beats it: {}", service.logs());

    for (text, part) in [
        ("listn = \"127.0.0.1:0\"", "listn"),
        ("CUSTOMERS_LISTEN = \"127.0.0.1:0\"", "CUSTOMERS_LISTEN"),
        ("secret_key = \"hunter2", "line 1"),
        ("listen = [1]", "listen"),
        ("log = \"info\"\nlink_ttl = 60", "CUSTOMERS_LINK_TTL"),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = Service::run(binary(), &["serve", "--config", path], &[], None);
        assert_eq!(output.status.code(), Some(2), "{text}: {output:?}");
        assert!(output.stderr.contains(part) && !output.stderr.contains("hunter2"), "{text}: {}", output.stderr);
        assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    }
    let output = Service::run(binary(), &["serve", "--config", "/nowhere.toml"], &[], None);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.contains("/nowhere.toml"), "{}", output.stderr);
}
