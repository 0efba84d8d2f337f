//! What tells a form that the customer's browser sends from one that another site made it send.
//!
//! Whoever opens a link's page gets a session as a cookie, and the page's form bears a token. Another site's form has
//! neither: browsers do not send it the cookie. Both are derived from the link, so that they stay the same however often
//! it is opened: a browser that comes from a chat on the web brings no cookie the second time either, and the form that is
//! open in its first window must stay good.

use domain::LinkId;

use crate::{Failure, Service};

impl Service {
    /// The session of a link's page, for the cookie.
    pub fn form_session(&self, link: LinkId) -> String {
        self.ports.secrets.form_token(link, "cookie")
    }

    /// The token of a link's form.
    pub fn form_token(&self, link: LinkId) -> String {
        self.ports.secrets.form_token(link, "form")
    }

    /// Whether a session is that of the link of this code: whoever has it has opened the link before.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_session(&self, code: &str, session: &str) -> Result<bool, Failure> {
        let digest = |text: &str| self.ports.secrets.digest(text);
        let link = self.find_link(code).await?;
        Ok(link.is_some_and(|link| digest(session) == digest(&self.form_session(link.id))))
    }

    /// Whether a form was sent with the session of its link and the token of its form.
    pub fn is_form(&self, link: LinkId, session: &str, token: &str) -> bool {
        // Of the digests, so that the time it takes says nothing about either.
        let digest = |text: &str| self.ports.secrets.digest(text);
        let session_is_right = digest(session) == digest(&self.form_session(link));
        let token_is_right = digest(token) == digest(&self.form_token(link));
        session_is_right && token_is_right
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use uuid::Uuid;

    #[test]
    fn a_form_is_told_by_the_session_and_the_token_of_its_link() {
        let [link, other] = [1, 2].map(|number| LinkId::from(Uuid::from_u128(number)));
        let mut world = World::new();
        world.with_codes();
        world.secrets.expect_form_token().returning(|link, part| format!("{part} of {}", link.uuid().as_u128()));
        let service = world.service();
        let (session, token) = (service.form_session(link), service.form_token(link));
        assert!(service.is_form(link, &session, &token));
        assert!(!service.is_form(other, &session, &token));
        for (session, token) in [("", &*token), (&session, ""), (&token, &session), (&token, &token), ("", "")] {
            assert!(!service.is_form(link, session, token), "{session} {token}");
        }
    }
}
