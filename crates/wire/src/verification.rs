//! Where the proof of a number stands.

use domain::VerificationStanding;
use schemars::JsonSchema;
use serde::Serialize;

use crate::WireTime;

/// Where the proof of a number stands: six members, in this order, always all there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Verification {
    /// `pending`: the customer is to be asked for the token; `expired`: he needs a new one; `locked`: he has no try left;
    /// `confirmed`: nothing is to be proved.
    #[schemars(extend("enum" = ["pending", "expired", "locked", "confirmed"]), example = &"pending")]
    status: &'static str,
    /// Until when the token lives. It is accepted for a little longer, for it is under way for a while: what counts is `status`.
    expires_at: Option<WireTime>,
    /// How often he may be wrong yet.
    #[schemars(example = 5)]
    attempts_remaining: Option<u32>,
    /// From when on a new token may be made.
    next_generation_at: Option<WireTime>,
    /// When a receiver of events accepted the one with the token.
    sent_at: Option<WireTime>,
    /// Until when no token helps.
    locked_until: Option<WireTime>,
}

impl Verification {
    /// The document.
    pub fn new(verification: &domain::Verification) -> Self {
        Self {
            status: match verification.standing {
                VerificationStanding::Pending => "pending",
                VerificationStanding::Expired => "expired",
                VerificationStanding::Locked => "locked",
                VerificationStanding::Confirmed => "confirmed",
            },
            expires_at: verification.expires_at.map(WireTime),
            attempts_remaining: verification.attempts_remaining,
            next_generation_at: verification.next_generation_at.map(WireTime),
            sent_at: verification.sent_at.map(WireTime),
            locked_until: verification.locked_until.map(WireTime),
        }
    }
}
