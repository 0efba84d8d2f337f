//! The look and the scripts of the pages.

use actix_web::{HttpRequest, HttpResponse, web};

use super::brand::BrandColor;
use crate::State;
use crate::asset::Asset;
use crate::router::readable;

/// What the pages load.
pub(crate) struct Assets {
    pub(super) style: Asset,
    pub(super) form_script: Asset,
    pub(super) card_script: Asset,
}

impl Assets {
    const STYLE: &str = "/assets/page.css";
    const FORM_SCRIPT: &str = "/assets/form.js";
    const CARD_SCRIPT: &str = "/assets/card.js";

    pub(super) fn new(color: BrandColor) -> Self {
        let style = color.style() + "\n" + include_str!("../../assets/page.css");
        let script = |path, text: &str| Asset::new(path, "text/javascript; charset=utf-8", text.to_owned());
        Self {
            style: Asset::new(Self::STYLE, "text/css; charset=utf-8", style),
            form_script: script(Self::FORM_SCRIPT, include_str!("../../assets/form.js")),
            card_script: script(Self::CARD_SCRIPT, include_str!("../../assets/card.js")),
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(readable(Assets::STYLE, style))
        .service(readable(Assets::FORM_SCRIPT, form_script))
        .service(readable(Assets::CARD_SCRIPT, card_script));
}

async fn style(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    state.pages.assets.style.respond(&request)
}

async fn form_script(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    state.pages.assets.form_script.respond(&request)
}

async fn card_script(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    state.pages.assets.card_script.respond(&request)
}
