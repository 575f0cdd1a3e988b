//! The REST API, for what people rarely do by hand.

use serde_json::{Value, json};

use crate::{Console, Deadline, Subject, until};

/// Somebody with a token of the API, which may do everything.
#[derive(Clone, Debug)]
pub struct Rest {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Rest {
    /// With a token made at the console.
    ///
    /// # Panics
    /// If the console does not show one.
    pub async fn of(subject: &Subject, console: &Console) -> Self {
        let page = console.open("/settings/tokens").await;
        let form = page.form("form:has([name=scope])").fill("name", "tests").fill("scope", "administrator");
        let shown = console.submit(form).await;
        let token = shown.texts("code").into_iter().find(|text| text.starts_with("muster_"));
        let token = token.unwrap_or_else(|| panic!("no token is shown: {shown}"));
        Self { client: reqwest::Client::new(), base: format!("{}/api/v1", subject.console_url()), token }
    }

    /// With a token that is there, at an address such as `http://127.0.0.1:8080`.
    pub fn with_token(console: &str, token: &str) -> Self {
        Self { client: reqwest::Client::new(), base: format!("{console}/api/v1"), token: token.to_owned() }
    }

    /// What is there.
    pub async fn get(&self, path: &str) -> Value {
        self.ask(self.client.get(self.url(path)), path).await
    }

    /// Makes something, or has something done.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.ask(self.client.post(self.url(path)).json(&body), path).await
    }

    /// The same of a server that need not answer.
    ///
    /// # Errors
    /// What it said instead.
    pub async fn try_post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.attempt(self.client.post(self.url(path)).json(body)).await
    }

    /// Imports devices from a file.
    pub async fn import(&self, csv: String) -> Value {
        let path = "/devices/imports";
        let request = self.client.post(self.url(path)).header("content-type", "text/csv");
        self.ask(request.body(csv), path).await
    }

    /// Uploads firmware for the default class, which takes images that nobody has signed from then on, in the clear, too. Its id.
    pub async fn firmware(&self, version: &str, image: &[u8]) -> String {
        let policy = json!({ "unsigned": true, "coap": true, "http": true });
        self.put("/classes/default/updates", policy).await;
        let mut body = Vec::new();
        for (name, text) in [("name", "firmware"), ("version", version), ("class", "default")] {
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(format!("{head}{text}\r\n").as_bytes());
        }
        let head = "Content-Disposition: form-data; name=\"image\"; filename=\"image\"";
        body.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(image);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self.client.post(self.url("/artefacts")).header("content-type", kind).body(body);
        let artefact = self.ask(request, "/artefacts").await;
        artefact["id"].as_str().expect("it has an id").to_owned()
    }

    /// Begins an update of one device. Its id.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn update(&self, artefact: &str, device: &str, terms: Value) -> String {
        let asked = json!({ "artefact": artefact, "devices": [device], "terms": terms });
        let begun = self.post("/updates", asked).await;
        let update = begun["devices"][0]["update"].as_str();
        update.unwrap_or_else(|| panic!("it does not begin: {begun}")).to_owned()
    }

    /// An update that has ended.
    pub async fn ended(&self, update: &str, deadline: Deadline) -> Value {
        until("the end of the update", deadline, async || {
            let update = self.get(&format!("/updates/{update}")).await;
            update["ended_at"].is_string().then_some(update)
        })
        .await
    }

    /// Says what the default class wants of its devices, which are looked at every minute. The number of the version.
    pub async fn baseline(&self, lines: &[&str], mode: &str) -> u64 {
        let new = json!({ "lines": lines.join("\n"), "mode": mode, "check_every_seconds": 60 });
        let made = self.put("/baselines/class:default", new).await;
        made["version"].as_u64().expect("a version has a number")
    }

    /// Where a device stands with its configuration, once that is as asked, which must be before the deadline.
    pub async fn configured(
        &self,
        device: &str,
        deadline: Deadline,
        what: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Value {
        let path = format!("/devices/{device}/configuration");
        loop {
            let stands = self.get(&path).await;
            if is(&stands) {
                return stands;
            }
            assert!(!deadline.has_passed(), "in vain: waited for {what}: {stands:#}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// Says how something is to be.
    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.ask(self.client.put(self.url(path)).json(&body), path).await
    }

    /// The same of something in PEM.
    pub async fn put_pem(&self, path: &str, pem: &str) -> Value {
        let request = self.client.put(self.url(path)).header("content-type", "application/x-pem-file");
        self.ask(request.body(pem.to_owned()), path).await
    }

    /// Takes something away.
    pub async fn delete(&self, path: &str) {
        self.ask(self.client.delete(self.url(path)), path).await;
    }

    /// The first credential of a device for this purpose, the newest first, as soon as there is one in this state.
    pub async fn credential(&self, device: &str, purpose: &str, state: &str) -> Value {
        let path = format!("/devices/{device}/credentials");
        until(&format!("a {purpose} credential that is {state}"), Deadline::usual(), async || {
            let page = self.get(&path).await;
            let is = |one: &&Value| one["purpose"] == purpose && one["state"] == state;
            page["items"].as_array()?.iter().find(is).cloned()
        })
        .await
    }

    /// An entry of the diary of this cause, as soon as there is one whose subject says this.
    pub async fn diary(&self, cause: &str, subject: &str) -> Value {
        until(&format!("{cause} about {subject} in the diary"), Deadline::usual(), async || {
            let page = self.get("/diary").await;
            let is = |one: &&Value| {
                one["cause"] == cause && one["subject"].as_str().is_some_and(|its| its.contains(subject))
            };
            page["items"].as_array()?.iter().find(is).cloned()
        })
        .await
    }

    /// Says of a class which kinds it lets in, how a certificate names its device, and what bootstrap gives.
    pub async fn set_policy(&self, class: &str, kinds: &[&str], mapping: &str, provision: &str) {
        let policy = json!({ "kinds": kinds, "mapping": mapping, "provision": provision });
        self.put(&format!("/classes/{class}/policy"), policy).await;
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn ask(&self, request: reqwest::RequestBuilder, path: &str) -> Value {
        self.attempt(request).await.unwrap_or_else(|refusal| panic!("{path}: {refusal}"))
    }

    async fn attempt(&self, request: reqwest::RequestBuilder) -> Result<Value, String> {
        let answer = request.bearer_auth(&self.token).send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| error.to_string())?;
        if status.is_success() {
            Ok(serde_json::from_str(&text).unwrap_or_default())
        } else {
            Err(format!("{status} {text}"))
        }
    }
}

/// What is in no image of the tests.
const BOUNDARY: &str = "muster-interop-6d757374";
