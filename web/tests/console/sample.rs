//! One of everything: what the pages of enrolment, security and settings show, made by the verbs.

use std::{sync::atomic::Ordering, time::Duration};

use fleet::{
    Actor, BootstrapId, BootstrapRecord, BootstrapResult, Change, ClassId, ClassRule, Commit, Context,
    DiaryCause, EndpointName, Finding, GivenCertificate, GivenCredential, GivenPsk, Incident, NewClaim,
    NewDevice, NewGroup, NewUpdate, Plan, PlanScope, PublicId, Purpose, Repair, RequestId, SeenCertificate,
    StepRecord, Store as _, Timestamp,
    update::{UpdateChange, UpdatePhase, UpdateTerms},
};
use objects::Value;

use crate::{images::firmware, issuer::Foreign, world::World};

/// A definition of an object of nobody's, with a name of one's own.
pub(crate) fn definition(name: &str) -> String {
    let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<?xml version=\"1.0\"?><LWM2M><Object ObjectType=\"MODefinition\"><Name>{name}</Name><Description1>{name}</Description1>\
         <ObjectID>26241</ObjectID><ObjectURN>urn:oma:lwm2m:x:26241</ObjectURN><LWM2MVersion>1.0</LWM2MVersion><ObjectVersion>1.0</ObjectVersion>\
         <MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory><Resources><Item ID=\"1\"><Name>{name}</Name>\
         <Operations>RW</Operations><MultipleInstances>Single</MultipleInstances><Mandatory>Optional</Mandatory><Type>String</Type>\
         <RangeEnumeration>{name}</RangeEnumeration><Units>{name}</Units><Description>{name}</Description></Item></Resources><Description2></Description2></Object></LWM2M>"
    )
}

pub(crate) fn context(now: Timestamp) -> Context {
    Context { actor: Actor::Server("sample"), now, request: RequestId::from_random([7; 16]) }
}

/// What was made, by its names in addresses.
pub(crate) struct Everything {
    /// A device with credentials and a bootstrap session; it is not registered.
    pub(crate) device: PublicId,
}

/// Makes one of everything; whatever can hold a text of somebody's holds `text`.
pub(crate) async fn everything(world: &World, text: &str) -> Everything {
    everything_seen(world, text, text).await
}

/// The same; what devices and strangers say is `seen`.
pub(crate) async fn everything_seen(world: &World, text: &str, seen: &str) -> Everything {
    let (fleet, now) = (&world.fleet, world.now());
    let context = context(now);
    let class = fleet.add_class(&context, text).await.unwrap();
    let plan = Plan {
        writes: vec![("/3/0/15".parse().unwrap(), Value::String(text.to_owned()))],
        ..Plan::default()
    };
    fleet.save_plan(&context, PlanScope::Class(class.id), Some(plan)).await.unwrap();
    fleet.upload_model(&context, &definition(text)).await.unwrap();
    let rule = ClassRule { manufacturer: Some(text.to_owned()), ..ClassRule::default() };
    fleet.set_class_rule(&context, class.id, rule).await.unwrap();
    let rule = format!("class != {}", serde_json::Value::from(text));
    let group = NewGroup { name: text.to_owned(), rule, rank: 1, description: text.to_owned() };
    fleet.save_group(&context, None, group).await.unwrap();
    fleet.evaluate_after(now, None).await.unwrap();
    let endpoint = EndpointName::new(format!("{text}-new")).unwrap();
    let enrolled = fleet
        .add_device(
            &context,
            NewDevice {
                endpoint: endpoint.clone(),
                class: Some(class.id),
                bootstrap: Some(GivenPsk::default().into()),
                management: None,
            },
        )
        .await
        .unwrap();
    let device = enrolled.device.public_id;
    fleet.add_credential(&context, device, Purpose::Management, GivenPsk::default()).await.unwrap();
    fleet
        .add_claim(
            &context,
            NewClaim {
                name: text.to_owned(),
                class: ClassId::DEFAULT,
                quota: 10,
                opens_at: now,
                closes_at: now.after(Duration::from_secs(86_400)),
                credential: GivenPsk::default(),
            },
        )
        .await
        .unwrap();
    fleet.add_webhook(&context, "https://events.example/muster", vec!["registered".into()]).await.unwrap();
    bootstraps(world, &enrolled.device, seen).await;
    for (cause, device) in [
        (DiaryCause::UnknownIdentity, None),
        (DiaryCause::WrongKey, Some(enrolled.device.id)),
        (DiaryCause::SecondClaim, Some(enrolled.device.id)),
        (DiaryCause::NotEnrolled, None),
    ] {
        fleet.incident(Incident {
            at: now,
            cause,
            subject: seen.to_owned(),
            from: "203.0.113.9:40112".parse().unwrap(),
            listener: "coaps://0.0.0.0:5684".to_owned(),
            device,
            detail: format!("alert {seen}"),
        });
    }
    let artefact = firmware(fleet, &context, text, "2.0").await;
    let wanted = NewUpdate {
        artefact: artefact.id,
        instance: None,
        terms: UpdateTerms::default(),
        ticket: Some(text.chars().take(100).collect()),
    };
    // It belongs to the class that takes the artefact.
    fleet.classify_device(&context, device, ClassId::DEFAULT).await.unwrap();
    let begun = fleet.begin_updates(&context, &wanted, &[device]).await.unwrap().remove(0);
    fleet.classify_device(&context, device, class.id).await.unwrap();
    let mut update = begun.update.unwrap();
    (update.phase, update.sent, update.result) = (UpdatePhase::Delivering, 1_024, Some(3));
    update.version_before = Some(seen.to_owned());
    update.note(now, seen);
    let change = Change::Update(UpdateChange::Saved(Box::new(update)));
    world.store.commit(Commit { changes: vec![change], audit: Vec::new() }).await.unwrap();
    fleet.flush_diary(now).await.unwrap();
    fleet.flush_audit().await.unwrap();
    Everything { device }
}

/// The server's own authority and another one with a revocation list, and a device that came with a certificate of it.
/// What people type is `text`, what stands in certificates is `seen`.
pub(crate) async fn certificates(world: &World, text: &str, seen: &str) -> PublicId {
    let fleet = &world.fleet;
    fleet.own_keys(&["muster.test".to_owned()], world.now()).await.unwrap().unwrap();
    // The other one is the younger.
    world.clock.fetch_add(1_000, Ordering::Relaxed);
    let now = world.now();
    let context = context(now);
    let foreign = Foreign::new(seen, now, 20);
    let authority = fleet.add_authority(&context, text, foreign.pem().as_bytes()).await.unwrap();
    let list = foreign.revocations(31, Timestamp(now.0 - 7 * 86_400_000), 1);
    fleet.set_revocation_list(&context, authority.public_id, list.as_bytes()).await.unwrap();
    let (der, pem) = foreign.issue(seen, now, 5);
    let new = NewDevice {
        endpoint: EndpointName::new(format!("{text}-x509")).unwrap(),
        class: None,
        bootstrap: Some(GivenCredential::Certificate(GivenCertificate::Pinned(pem.into()))),
        management: Some(GivenCredential::Certificate(GivenCertificate::Issued { public_key: None })),
    };
    let enrolled = fleet.add_device(&context, new).await.unwrap();
    let change = Change::CertificateSeen {
        credential: enrolled.shown[0].credential.id,
        certificate: Box::new(SeenCertificate::of(&[der], now).unwrap()),
    };
    world.store.commit(Commit { changes: vec![change], audit: Vec::new() }).await.unwrap();
    enrolled.device.public_id
}

async fn bootstraps(world: &World, device: &fleet::Device, text: &str) {
    let now = world.now();
    for (number, result, reason) in [
        (1, BootstrapResult::Failed, "4.06 at Finish: /1/0/7 is missing; add it to the plan"),
        (2, BootstrapResult::Finished, ""),
    ] {
        let at = |ms: i64| Timestamp(now.0 - 90_000 + i64::from(number) * 30_000 + ms);
        let step = |ms, asked: &str, answer: &str| StepRecord {
            at: at(ms),
            asked: asked.to_owned(),
            answer: answer.to_owned(),
        };
        let finish = match result {
            BootstrapResult::Failed => "4.06: /1/0/7 is missing",
            _ => "2.04",
        };
        let record = BootstrapRecord {
            id: BootstrapId::new(at(0), [number; 10]),
            device: device.id,
            request: RequestId::from_random([number; 16]),
            started_at: at(0),
            ended_at: Some(at(400)),
            result,
            reason: if reason.is_empty() { String::new() } else { format!("{reason} {text}") },
            credential: None,
            steps: vec![
                step(10, "Discover /0", "2.05: </0/0>;ver=1.1"),
                step(80, "Delete /1", "2.02"),
                step(150, "Write /0/1 (TLV, 74 bytes)", &format!("2.04 {text}")),
                step(220, "Write /1/0 (TLV, 31 bytes)", "2.04"),
                step(300, "Finish", finish),
            ],
            repairs: match result {
                BootstrapResult::Finished => vec![Repair {
                    at: at(250),
                    cause: format!("Finish: 4.06 (“{text}”)"),
                    findings: vec![Finding {
                        path: "/1/3".parse().unwrap(),
                        what: "/1/3 is left over: the plan deletes it".to_owned(),
                        done: format!("Delete /1/3: 2.02 {text}"),
                    }],
                    anew: None,
                }],
                _ => Vec::new(),
            },
        };
        world.fleet.save_bootstrap(&record).await.unwrap();
    }
}
