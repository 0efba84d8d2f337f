//! Where the proof of a number stands.

use domain::VerificationStanding;
use serde::Serialize;

use crate::WireTime;

/// Where the proof of a number stands: six members, in this order, always all there.
#[derive(Debug, Serialize)]
pub struct Verification {
    status: &'static str,
    expires_at: Option<WireTime>,
    attempts_remaining: Option<u32>,
    next_generation_at: Option<WireTime>,
    sent_at: Option<WireTime>,
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
