//! The tables, once for both databases. `migrations/` makes them.

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Id, Instant};

    customers (id) {
        id -> Id,
        phone_number -> Nullable<Text>,
        unconfirmed_phone_number -> Text,
        country_code -> Text,
        email -> Nullable<Text>,
        email_folded -> Nullable<Text>,
        email_folded_of -> Nullable<Text>,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        confirmation_token -> Nullable<Text>,
        token_generated_at -> Nullable<Instant>,
        token_wrong_tries -> BigInt,
        confirmed_at -> Nullable<Instant>,
        confirmation_sent_at -> Nullable<Instant>,
        wrong_tries -> Text,
        tokens_in_row -> BigInt,
        last_token_at -> Nullable<Instant>,
        sequence -> BigInt,
        revision -> BigInt,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
        next_country_code -> Nullable<Text>,
        change_requested_at -> Nullable<Instant>,
        held_token -> Nullable<Text>,
        held_sent_at -> Nullable<Instant>,
        token_times -> Text,
        number_wrong_tries -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::sql_types::Id;

    phone_number_claims (phone_number) {
        phone_number -> Text,
        customer_id -> Id,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::sql_types::{Id, Instant};

    events (id) {
        id -> Id,
        customer_id -> Id,
        sequence -> BigInt,
        #[sql_name = "type"]
        kind -> Text,
        occurred_at -> Instant,
        payload -> Text,
        position -> Nullable<BigInt>,
        confirmation_token -> Nullable<Text>,
        token_generated_at -> Nullable<Instant>,
        erased -> Bool,
    }
}

diesel::table! {
    use crate::sql_types::{Id, Instant};

    erased_customers (id) {
        id -> Id,
        erased_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Text};
    use crate::sql_types::Instant;

    number_memories (number) {
        number -> Binary,
        wrong_tries -> Text,
        tokens -> Text,
        forgotten_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Nullable};
    use crate::sql_types::{Id, Instant};

    idempotency_records (id) {
        id -> Binary,
        fingerprint -> Binary,
        customer_id -> Nullable<Id>,
        outcome -> Nullable<Binary>,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, SmallInt};

    event_numbering (id) {
        id -> SmallInt,
        last_position -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::sql_types::{Id, Instant};

    links (id) {
        id -> Id,
        customer_id -> Id,
        purpose -> Text,
        generation -> BigInt,
        code -> Binary,
        created_at -> Instant,
        expires_at -> Instant,
        revoked_at -> Nullable<Instant>,
        card_setup -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::sql_types::{Id, Instant};

    api_keys (id) {
        id -> Id,
        name -> Text,
        scope -> Text,
        digest -> Binary,
        created_at -> Instant,
        expires_at -> Nullable<Instant>,
        revoked_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, SmallInt};

    secret_check (id) {
        id -> SmallInt,
        digest -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable};
    use crate::sql_types::{Id, Instant};

    receivers (id) {
        id -> Id,
        position -> BigInt,
        lease_holder -> Nullable<Id>,
        lease_ends_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::sql_types::{Id, Instant};

    webhook_endpoints (id) {
        id -> Id,
        url -> Text,
        event_types -> Text,
        description -> Nullable<Text>,
        secret -> Binary,
        previous_secret -> Nullable<Binary>,
        previous_secret_until -> Nullable<Instant>,
        disabled_at -> Nullable<Instant>,
        disabled_reason -> Nullable<Text>,
        failing_since -> Nullable<Instant>,
        created_at -> Instant,
        updated_at -> Instant,
        deleted_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Id, Instant};

    deliveries (id) {
        id -> Id,
        endpoint_id -> Id,
        event_id -> Id,
        customer_id -> Id,
        position -> BigInt,
        repeat -> Nullable<Text>,
        tries -> BigInt,
        next_try_at -> Nullable<Instant>,
        accepted_at -> Nullable<Instant>,
        failed_at -> Nullable<Instant>,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Id, Instant};

    delivery_tries (delivery_id, number) {
        delivery_id -> Id,
        number -> BigInt,
        tried_at -> Instant,
        duration_ms -> BigInt,
        status_code -> Nullable<BigInt>,
        answer -> Nullable<Text>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::sql_types::Id;

    addresses (customer_id, purpose) {
        customer_id -> Id,
        purpose -> Text,
        name -> Text,
        company -> Nullable<Text>,
        line1 -> Text,
        line2 -> Nullable<Text>,
        postal_code -> Nullable<Text>,
        city -> Nullable<Text>,
        region -> Nullable<Text>,
        country -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql_types::{Id, Instant};

    cards (customer_id) {
        customer_id -> Id,
        provider -> Text,
        payment_method -> Text,
        setup -> Text,
        brand -> Text,
        last4 -> Text,
        exp_month -> BigInt,
        exp_year -> BigInt,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::sql_types::Id;

    provider_customers (customer_id, provider) {
        customer_id -> Id,
        provider -> Text,
        provider_customer -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Id, Instant};

    card_detachments (id) {
        id -> Id,
        provider -> Text,
        payment_method -> Text,
        tries -> BigInt,
        next_try_at -> Instant,
        setup -> Nullable<Text>,
    }
}

diesel::joinable!(phone_number_claims -> customers (customer_id));
diesel::allow_tables_to_appear_in_same_query!(customers, phone_number_claims, events, deliveries, webhook_endpoints);
