//! What an operator can set: the table of settings, and the settings of one start.
//!
//! A setting is an environment variable, or a key of the same name in lower case without the prefix in a TOML file.
//! The environment beats the file, and each has a default that works. To add one: a line in [`SETTINGS`], a field of
//! [`Settings`], a line in `read`, and a row in `docs/operating.md` (a test compares).

mod source;
mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use adapters_cards::{StripeSettings, check_stripe_publishable_key, check_stripe_secret_key, check_stripe_url};
use adapters_diesel::DatabaseUrl;
use adapters_events::{AllowedNetworks, NatsUrl, check_nats_url};
use adapters_http::{Brand, BrandColor, LogoUrl, RateLimit, TrustedProxies};
use adapters_system::SecretKey;
use domain::{ConfirmationPolicy, DeliveryPolicy, LinkPolicy};
use use_cases::Policies;

pub(crate) use source::SettingsError;
use source::Source;
pub(crate) use values::{LogFormat, line, positive_duration};

/// One setting.
pub(crate) struct Setting {
    /// The environment variable.
    pub(crate) name: &'static str,
    /// What it is when nobody sets it; empty where that depends on others.
    default: &'static str,
    /// What `serve --dev` takes in place of the default.
    dev_default: Option<&'static str>,
    meaning: &'static str,
}

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, dev_default: None, meaning }
}

const LISTEN: &str = "CUSTOMERS_LISTEN";
const PUBLIC_URL: &str = "CUSTOMERS_PUBLIC_URL";
const DATABASE_URL: &str = "CUSTOMERS_DATABASE_URL";
const SECRET_KEY: &str = "CUSTOMERS_SECRET_KEY";
const SECRET_KEY_PREVIOUS: &str = "CUSTOMERS_SECRET_KEY_PREVIOUS";
const PHONE_VALIDATION: &str = "CUSTOMERS_PHONE_VALIDATION";
const CONFIRMATION_TTL: &str = "CUSTOMERS_CONFIRMATION_TTL";
const CONFIRMATION_GRACE: &str = "CUSTOMERS_CONFIRMATION_GRACE";
const CONFIRMATION_ATTEMPTS: &str = "CUSTOMERS_CONFIRMATION_ATTEMPTS";
const CONFIRMATION_DAILY_ATTEMPTS: &str = "CUSTOMERS_CONFIRMATION_DAILY_ATTEMPTS";
const CONFIRMATION_RESEND_INTERVAL: &str = "CUSTOMERS_CONFIRMATION_RESEND_INTERVAL";
const LINK_TTL: &str = "CUSTOMERS_LINK_TTL";
const CARD_LINK_TTL: &str = "CUSTOMERS_CARD_LINK_TTL";
const RATE_LIMIT: &str = "CUSTOMERS_RATE_LIMIT";
const TRUSTED_PROXIES: &str = "CUSTOMERS_TRUSTED_PROXIES";
const BRAND_NAME: &str = "CUSTOMERS_BRAND_NAME";
const BRAND_COLOR: &str = "CUSTOMERS_BRAND_COLOR";
const BRAND_LOGO_URL: &str = "CUSTOMERS_BRAND_LOGO_URL";
const STRIPE_SECRET_KEY: &str = "CUSTOMERS_STRIPE_SECRET_KEY";
const STRIPE_PUBLISHABLE_KEY: &str = "CUSTOMERS_STRIPE_PUBLISHABLE_KEY";
const STRIPE_API_URL: &str = "CUSTOMERS_STRIPE_API_URL";
const STRIPE_JS_URL: &str = "CUSTOMERS_STRIPE_JS_URL";
const EVENT_RETENTION: &str = "CUSTOMERS_EVENT_RETENTION";
const WEBHOOK_RETRY_SCHEDULE: &str = "CUSTOMERS_WEBHOOK_RETRY_SCHEDULE";
const WEBHOOK_ALLOWED_NETWORKS: &str = "CUSTOMERS_WEBHOOK_ALLOWED_NETWORKS";
const NATS_URL: &str = "CUSTOMERS_NATS_URL";
const NATS_CREDENTIALS: &str = "CUSTOMERS_NATS_CREDENTIALS";
const IDEMPOTENCY_TTL: &str = "CUSTOMERS_IDEMPOTENCY_TTL";
const PENDING_NUMBER_TTL: &str = "CUSTOMERS_PENDING_NUMBER_TTL";
const UNCONFIRMED_TTL: &str = "CUSTOMERS_UNCONFIRMED_TTL";
const LOG: &str = "CUSTOMERS_LOG";
const LOG_FORMAT: &str = "CUSTOMERS_LOG_FORMAT";

/// Every setting there is.
pub(crate) const SETTINGS: [Setting; 32] = [
    setting(LISTEN, "127.0.0.1:8080", "address to listen on; port 0 picks one"),
    setting(PUBLIC_URL, "", "origin of the URLs that customers open; needed when listening on other than loopback"),
    setting(DATABASE_URL, "sqlite:customers.db", "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"),
    setting(SECRET_KEY, "", "32 bytes in base64; with SQLite made at first start in a file beside the database"),
    setting(SECRET_KEY_PREVIOUS, "", "the secret key before the last change of it"),
    Setting {
        dev_default: Some("any"),
        ..setting(PHONE_VALIDATION, "possible", "how strictly numbers are checked: valid, possible or any")
    },
    setting(CONFIRMATION_TTL, "5m", "how long a confirmation token lives"),
    setting(CONFIRMATION_GRACE, "30s", "how long it is still accepted after that"),
    setting(CONFIRMATION_ATTEMPTS, "5", "wrong tries before a token is dead"),
    setting(CONFIRMATION_DAILY_ATTEMPTS, "10", "wrong tries of one customer in 24 hours, over all tokens"),
    Setting {
        dev_default: Some("0s"),
        ..setting(
            CONFIRMATION_RESEND_INTERVAL,
            "30s",
            "least time between two tokens, doubling up to 10 minutes; 0s for none",
        )
    },
    setting(PENDING_NUMBER_TTL, "24h", "how long a confirmed customer's other number may wait for its token"),
    setting(
        UNCONFIRMED_TTL,
        "",
        "how long a customer may stay unconfirmed before he is erased; for ever, when it is not set",
    ),
    setting(IDEMPOTENCY_TTL, "24h", "how long what came of a request is answered again to its idempotency key"),
    setting(LINK_TTL, "60m", "how long a link to an address form lives"),
    setting(CARD_LINK_TTL, "15m", "how long a link to the card form lives"),
    setting(
        RATE_LIMIT,
        "",
        "how many requests of one key a process answers, a second, minute or hour, such as 100/s; no limit when empty or off",
    ),
    setting(
        TRUSTED_PROXIES,
        "",
        "networks (CIDR) of proxies before the service, whose X-Forwarded-For says who guesses links and keys",
    ),
    setting(BRAND_NAME, "", "name at the head of the customer's pages"),
    setting(BRAND_COLOR, "#1f6f5c", "colour of what is pressed there, such as #1f6f5c"),
    setting(BRAND_LOGO_URL, "", "picture at their head: an https address"),
    setting(STRIPE_SECRET_KEY, "", "secret key of the card provider; cards can be taken when both keys are set"),
    setting(STRIPE_PUBLISHABLE_KEY, "", "publishable key of the card provider"),
    setting(STRIPE_API_URL, "https://api.stripe.com", "where its API is: Stripe's, or one that speaks like it"),
    setting(STRIPE_JS_URL, "https://js.stripe.com/v3/", "where its script for browsers is"),
    setting(EVENT_RETENTION, "30d", "how long events and their deliveries are kept that nobody waits for"),
    setting(
        WEBHOOK_RETRY_SCHEDULE,
        "5s,30s,2m,10m,1h,3h,6h,12h,24h",
        "the waits between the tries of a delivery; after the last one's try it is given up",
    ),
    Setting {
        dev_default: Some("127.0.0.0/8,::1/128"),
        ..setting(
            WEBHOOK_ALLOWED_NETWORKS,
            "",
            "networks (CIDR) to which webhooks may go that they may not by default: loopback, private, and http",
        )
    },
    setting(NATS_URL, "", "nats:// or tls://[USER:PASSWORD@]HOST:PORT; events are published there when it is set"),
    setting(NATS_CREDENTIALS, "", "file of NATS credentials, as `nsc generate creds` writes it"),
    setting(LOG, "info", "what is logged: error, warn, info, debug, trace, or a filter by module"),
    setting(LOG_FORMAT, "text", "how it is logged: text or json"),
];

/// The settings of one start.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    /// Without a slash at its end.
    pub(crate) public_url: Option<String>,
    pub(crate) database_url: DatabaseUrl,
    pub(crate) secret_key: Option<SecretKey>,
    pub(crate) secret_key_previous: Option<SecretKey>,
    pub(crate) policies: Policies,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) brand: Brand,
    pub(crate) cards: Cards,
    pub(crate) webhook_networks: AllowedNetworks,
    pub(crate) nats_url: Option<NatsUrl>,
    pub(crate) nats_credentials: Option<PathBuf>,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
}

impl Settings {
    /// Reads the environment and the file.
    ///
    /// # Errors
    /// When a setting is unknown or unusable, naming it.
    pub(crate) fn load(file: Option<&Path>, dev: bool) -> Result<Self, SettingsError> {
        Self::read(&Source::load(std::env::vars_os(), file, dev)?, dev)
    }

    fn read(source: &Source, dev: bool) -> Result<Self, SettingsError> {
        let settings = Self {
            listen: source.required(LISTEN, values::listen)?,
            public_url: source.optional(PUBLIC_URL, values::origin)?,
            database_url: source
                .url(DATABASE_URL, values::database_url)?
                .ok_or_else(|| SettingsError::missing(DATABASE_URL, "set"))?,
            secret_key: source.secret(SECRET_KEY, values::secret_key)?,
            secret_key_previous: source.secret(SECRET_KEY_PREVIOUS, values::secret_key)?,
            policies: Policies {
                phone_validation: source.required(PHONE_VALIDATION, values::phone_validation)?,
                confirmation: ConfirmationPolicy {
                    ttl: source.required(CONFIRMATION_TTL, positive_duration)?,
                    grace: source.required(CONFIRMATION_GRACE, values::duration)?,
                    attempts: source.required(CONFIRMATION_ATTEMPTS, values::count)?,
                    daily_attempts: source.required(CONFIRMATION_DAILY_ATTEMPTS, values::count)?,
                    resend_interval: source.required(CONFIRMATION_RESEND_INTERVAL, values::duration)?,
                    pending_number_ttl: source.required(PENDING_NUMBER_TTL, positive_duration)?,
                },
                links: LinkPolicy {
                    ttl: source.required(LINK_TTL, positive_duration)?,
                    card_ttl: source.required(CARD_LINK_TTL, positive_duration)?,
                },
                deliveries: DeliveryPolicy { retries: source.required(WEBHOOK_RETRY_SCHEDULE, values::durations)? },
                event_retention: source.required(EVENT_RETENTION, positive_duration)?,
                idempotency_ttl: source.required(IDEMPOTENCY_TTL, positive_duration)?,
                unconfirmed_ttl: source.optional(UNCONFIRMED_TTL, positive_duration)?,
            },
            rate_limit: source.optional(RATE_LIMIT, rate_limit)?.flatten(),
            trusted_proxies: source.optional(TRUSTED_PROXIES, TrustedProxies::parse)?.unwrap_or_default(),
            brand: Brand {
                name: source.optional(BRAND_NAME, |text| line(text, 100))?,
                color: source.required(BRAND_COLOR, BrandColor::parse)?,
                logo_url: source.optional(BRAND_LOGO_URL, LogoUrl::parse)?,
            },
            cards: cards(source, dev)?,
            webhook_networks: source.optional(WEBHOOK_ALLOWED_NETWORKS, AllowedNetworks::parse)?.unwrap_or_default(),
            nats_url: source.url(NATS_URL, check_nats_url)?,
            nats_credentials: source.optional(NATS_CREDENTIALS, values::path)?,
            log: source.required(LOG, values::log_filter)?,
            log_format: source.required(LOG_FORMAT, values::log_format)?,
        };
        if settings.public_url.is_none() && !settings.listen.ip().is_loopback() {
            let allowed = "the origin under which customers reach the service, such as https://customers.example.com";
            return Err(SettingsError::missing(PUBLIC_URL, allowed));
        }
        if settings.secret_key.is_none() && settings.database_url.sqlite_path().is_none() {
            return Err(SettingsError::missing(SECRET_KEY, values::SECRET_KEY_ALLOWED));
        }
        if settings.nats_credentials.is_some() && settings.nats_url.is_none() {
            let allowed = "the URL of the NATS server that CUSTOMERS_NATS_CREDENTIALS are for";
            return Err(SettingsError::missing(NATS_URL, allowed));
        }
        Ok(settings)
    }
}

impl Settings {
    /// Where events say that they come from (`source` of CloudEvents).
    pub(crate) fn event_source(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }
}

/// The limit of each key; none where the text is empty or `off`.
fn rate_limit(text: &str) -> Result<Option<RateLimit>, String> {
    if text.is_empty() || text == "off" { Ok(None) } else { RateLimit::parse(text).map(Some) }
}

/// The card provider: Stripe where its keys are set, else a stand-in for a demo start alone.
fn cards(source: &Source, dev: bool) -> Result<Cards, SettingsError> {
    let secret_key = source.secret(STRIPE_SECRET_KEY, check_stripe_secret_key)?;
    // A secret key that somebody took for this one is not shown.
    let publishable_key = source.secret(STRIPE_PUBLISHABLE_KEY, check_stripe_publishable_key)?;
    let api_url = source.required(STRIPE_API_URL, check_stripe_url)?;
    let js_url = source.required(STRIPE_JS_URL, check_stripe_url)?;
    match (secret_key, publishable_key) {
        (Some(secret_key), Some(publishable_key)) => {
            Ok(Cards::Stripe(StripeSettings { secret_key, publishable_key, api_url, js_url }))
        }
        (None, None) if dev => Ok(Cards::Test),
        (None, None) => Ok(Cards::None),
        (Some(_), None) => Err(SettingsError::missing(STRIPE_PUBLISHABLE_KEY, "the key beside the secret key")),
        (None, Some(_)) => Err(SettingsError::missing(STRIPE_SECRET_KEY, "the key beside the publishable key")),
    }
}

/// Who keeps cards.
#[derive(Debug)]
pub(crate) enum Cards {
    /// Nobody: they cannot be taken.
    None,
    /// The stand-in, which takes test cards.
    Test,
    /// Stripe, or what speaks like it.
    Stripe(StripeSettings),
}

/// The table of settings for `--help`.
pub(crate) fn help() -> String {
    let rows = SETTINGS.iter().map(|setting| {
        let default =
            if setting.default.is_empty() { String::new() } else { format!(" [default: {}]", setting.default) };
        format!("  {}\n          {}{default}\n", setting.name, setting.meaning)
    });
    let head = "Settings are environment variables, or keys of a TOML file (--config) of the same name in lower case \
                without the\nprefix; the environment beats the file. Durations are an integer and ms, s, m, h or d.\n\n";
    let tail = "\nExit codes: 0 done, 1 failed, 2 unusable arguments or settings.\n\nBegin with: customers serve --dev";
    format!("{head}{}{tail}", rows.collect::<String>())
}
