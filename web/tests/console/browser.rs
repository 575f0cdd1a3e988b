//! A browser without JavaScript: cookies, forms as the page holds them, and answers to look into by selector.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, header},
};
use scraper::{ElementRef, Html, Selector};
use tower::ServiceExt;

use crate::world::World;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct Browser {
    router: Router,
    /// Where it is, if the server says so.
    from: Option<SocketAddr>,
    cookies: BTreeMap<String, String>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(world: &World) -> Self {
        Self { router: world.router.clone(), from: None, cookies: BTreeMap::new() }
    }

    /// A browser at another address than the others.
    pub(crate) fn at(world: &World, address: [u8; 4]) -> Self {
        Self { from: Some((address, 50_000).into()), ..Self::new(world) }
    }

    /// A browser in which the first administrator has just been made.
    pub(crate) async fn logged_in(world: &World) -> Self {
        let mut browser = Self::new(world);
        let token = world.fleet.setup_link(world.now()).await.unwrap().unwrap();
        let page = browser.get(&format!("/setup/{token}")).await;
        let done = browser
            .submit(&page, "main form", &[("name", "ada"), ("password", PASSWORD), ("again", PASSWORD)])
            .await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/"), "{}", done.body);
        browser
    }

    /// A browser of an account with another role, made by an administrator's form.
    pub(crate) async fn of_role(&mut self, world: &World, role: &str) -> Self {
        let page = self.get("/settings/accounts").await;
        let fields = [("name", role), ("role", role), ("password", PASSWORD), ("again", PASSWORD)];
        let made = self.submit(&page, "form[action='/settings/accounts']", &fields).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
        let mut other = Self::new(world);
        let page = other.get("/login").await;
        let done = other.submit(&page, "main form", &[("name", role), ("password", PASSWORD)]).await;
        assert_eq!(done.location(), "/", "{}", done.body);
        other
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(path).header(header::HOST, "console.test");
        self.send(request.header(header::COOKIE, self.cookie_header()).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let request = Request::post(path)
            .header(header::HOST, "console.test")
            .header("origin", "http://console.test")
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, self.cookie_header())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body.join("&"))).unwrap()).await
    }

    /// Sends a form as the page holds it, with some of its fields filled in, and a button if it is named among them.
    pub(crate) async fn submit(&mut self, page: &Answer, form: &str, filled: &[(&str, &str)]) -> Answer {
        let (action, fields) = page.form(form);
        let mut sent: Vec<(String, String)> =
            fields.into_iter().filter(|(name, _)| filled.iter().all(|(other, _)| other != name)).collect();
        sent.extend(filled.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let sent: Vec<(&str, &str)> =
            sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(&action, &sent).await
    }

    /// Sends a form of files and fields.
    pub(crate) async fn post_multipart(
        &mut self,
        path: &str,
        fields: &[(&str, Option<&str>, &[u8])],
    ) -> Answer {
        let mut body = Vec::new();
        for (name, file, value) in fields {
            let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
            body.extend_from_slice(
                format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(value);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--cut--\r\n");
        let request = Request::post(path)
            .header(header::HOST, "console.test")
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, self.cookie_header())
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Follows a redirect.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> Answer {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let location = answer.location().to_owned();
        self.get(location.split('#').next().unwrap()).await
    }

    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        if let Some(from) = self.from {
            request.extensions_mut().insert(ConnectInfo(from));
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match cookie.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn cookie_header(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The texts of the elements that a selector finds, blanks run together.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let html = Html::parse_document(&self.body);
        html.select(&Selector::parse(selector).unwrap()).map(text).collect()
    }

    /// The text of the one element that a selector finds.
    pub(crate) fn text(&self, selector: &str) -> String {
        let texts = self.texts(selector);
        assert_eq!(texts.len(), 1, "{selector} finds {texts:?} in {}", self.body);
        texts.into_iter().next().unwrap()
    }

    pub(crate) fn has(&self, selector: &str) -> bool {
        !self.texts(selector).is_empty()
    }

    /// An attribute of all elements that a selector finds.
    pub(crate) fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let html = Html::parse_document(&self.body);
        let selector = Selector::parse(selector).unwrap();
        html.select(&selector).filter_map(|element| element.attr(name)).map(str::to_owned).collect()
    }

    /// The action of a form and the fields it would send as it stands, buttons left out.
    pub(crate) fn form(&self, selector: &str) -> (String, Vec<(String, String)>) {
        self.nth_form(selector, 0)
    }

    /// The same of the nth form that the selector finds.
    pub(crate) fn nth_form(&self, selector: &str, n: usize) -> (String, Vec<(String, String)>) {
        let html = Html::parse_document(&self.body);
        let form = html.select(&Selector::parse(selector).unwrap()).nth(n);
        let form = form.unwrap_or_else(|| panic!("no {selector} in {}", self.body));
        let mut fields = Vec::new();
        for element in form.select(&Selector::parse("input, select, textarea").unwrap()) {
            let Some(name) = element.attr("name") else { continue };
            let value = match (element.value().name(), element.attr("type")) {
                ("select", _) => {
                    let options = Selector::parse("option").unwrap();
                    let chosen = element.select(&options).find(|option| option.attr("selected").is_some());
                    let chosen = chosen.or_else(|| element.select(&options).next());
                    chosen.and_then(|option| option.attr("value")).unwrap_or_default().to_owned()
                }
                ("textarea", _) => element.text().collect(),
                (_, Some("checkbox" | "radio")) if element.attr("checked").is_none() => continue,
                (_, Some("file")) => continue,
                _ => element.attr("value").unwrap_or_default().to_owned(),
            };
            fields.push((name.to_owned(), value));
        }
        (form.attr("action").unwrap_or_default().to_owned(), fields)
    }
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}
