//! Credentials of every kind, the policies of classes, certificates that were seen, and authorities.

use super::fixture::*;
use crate::{
    Authority, AuthorityId, CertificateName, Change, Class, ClassId, ClassPolicy, Credential, CredentialId,
    CredentialKind, CredentialName, CredentialState, DeviceId, Fingerprint, Holder, KeyPair, Mapping,
    NewCredential, OwnKey, PrivateKey, Public, Retention, RevocationList, Secret, SeenCertificate, Store,
};

fn pair(number: u8) -> KeyPair {
    KeyPair {
        private: PrivateKey::new([number; 138]),
        public: Public::Chain(vec![vec![number; 600], vec![0xff; 700]]),
    }
}

fn named(number: i64, name: CredentialName) -> Credential {
    Credential { kind: name.kind(), identity: name, ..credential(number, 1) }
}

fn names() -> Vec<CredentialName> {
    let fingerprint = Fingerprint::of(b"a key");
    let of = CredentialName::Certificate;
    vec![
        CredentialName::PublicKey(fingerprint),
        of(CertificateName::PublicKey(fingerprint)),
        of(CertificateName::CommonName("node 7: ä".into())),
        of(CertificateName::SubjectAltName("urn:dev:7".into())),
        of(CertificateName::serial(&[0x0a; 20])),
        CredentialName::from_text(CredentialKind::Psk, "cn:node 7: ä").unwrap(),
    ]
}

fn adds_with(credential: &Credential, secret: Secret) -> Change {
    Change::CredentialAdded(Box::new(NewCredential { credential: credential.clone(), secret }))
}

fn seen(number: u8, issuer: &[u8], anchor: &[u8]) -> SeenCertificate {
    SeenCertificate {
        subject: "CN=node ä".into(),
        issuer: "CN='; --".into(),
        serial: "abc".into(),
        not_before: at(-9),
        not_after: at(99),
        fingerprint: Fingerprint::of(&[number]),
        issuer_name: Fingerprint::of(issuer),
        anchor_name: Fingerprint::of(anchor),
        der: vec![number; 900],
        seen_at: at(number.into()),
    }
}

fn sees(credential: i64, certificate: &SeenCertificate) -> Change {
    let certificate = Box::new(certificate.clone());
    Change::CertificateSeen { credential: CredentialId(credential), certificate }
}

fn authority(number: i64) -> Authority {
    Authority {
        id: AuthorityId(number),
        public_id: public_id(0x3_0000 + number),
        name: format!("authority ä {number}"),
        certificate: vec![u8::try_from(number).unwrap(); 700],
        subject_name: Fingerprint::of(b"subject"),
        own: false,
        not_after: at(1_000),
        revocations: None,
        created_by: "Zoë".into(),
        created_at: at(number),
    }
}

fn saves(authority: &Authority) -> Change {
    Change::AuthoritySaved(Box::new(authority.clone()))
}

/// By each way to ask, with whatever secret; what is of one kind is nothing of another, whatever its text.
pub async fn credentials_of_every_kind_survive(store: &dyn Store) {
    register(store, 1).await;
    let raw = KeyPair { public: Public::Key(vec![7; 91]), ..pair(1) };
    let secrets =
        [Secret::KeyPair(raw), Secret::KeyPair(pair(2)), Secret::None, Secret::None, Secret::None, key(6)];
    let mut kept = Vec::new();
    for ((number, name), secret) in (1..).zip(names()).zip(secrets) {
        let credential = named(number, name);
        commit(store, [adds_with(&credential, secret.clone())]).await;
        kept.push((credential, secret));
    }
    for (credential, secret) in &kept {
        let found = Some((credential.clone(), secret.clone()));
        assert_eq!(store.credential_by_name(&credential.identity).await.unwrap(), found);
        assert_eq!(store.credential_row(credential.id).await.unwrap(), found);
        refused(
            store,
            [adds_with(
                &Credential {
                    identity: credential.identity.clone(),
                    ..named(50, credential.identity.clone())
                },
                Secret::None,
            )],
        )
        .await;
    }
    let mut asked = names();
    asked.push(CredentialName::PublicKey(Fingerprint::of(b"nobody's")));
    let mut found = store.credentials_by_names(&asked).await.unwrap();
    found.sort_by_key(|(credential, _)| credential.id);
    assert_eq!(found, kept);
    let mut known = store.enrolled(&[], &asked).await.unwrap().credentials;
    known.sort_by_key(|(credential, _)| credential.id);
    assert_eq!(known, kept);
    assert_eq!(store.credentials_by_names(&[]).await.unwrap(), []);
}

/// Once its device has proved that it holds it, or it opens nothing; a pre-shared key is needed for ever.
pub async fn a_key_pair_is_forgotten_once_it_is_proved(store: &dyn Store) {
    register(store, 1).await;
    let all = names();
    let secret = async |number| store.credential_row(CredentialId(number)).await.unwrap().unwrap().1;
    let credentials = [named(1, all[0].clone()), named(2, all[1].clone()), named(3, all[5].clone())];
    let raw = KeyPair { public: Public::Key(vec![7; 91]), ..pair(1) };
    commit(
        store,
        [
            adds_with(&credentials[0], Secret::KeyPair(raw.clone())),
            adds_with(&credentials[1], Secret::KeyPair(pair(2))),
            adds_with(&credentials[2], key(3)),
        ],
    )
    .await;
    assert_eq!(secret(1).await, Secret::KeyPair(raw));
    commit(store, [1, 3].map(|number| Change::CredentialProved { id: CredentialId(number), at: at(5) }))
        .await;
    let (id, state) = (CredentialId(2), CredentialState::Retired);
    commit(store, [Change::CredentialEnded { id, state, at: at(6) }]).await;
    assert_eq!([secret(1).await, secret(2).await, secret(3).await], [Secret::None, Secret::None, key(3)]);
}

/// A policy comes back as it was set, and the default is that all is let in.
pub async fn a_class_keeps_its_policy(store: &dyn Store) {
    let class = store.classes().await.unwrap().remove(0);
    assert_eq!((class.id, &class.policy), (ClassId::DEFAULT, &ClassPolicy::default()));
    assert_eq!(class.retention, Retention::default());
    for mapping in Mapping::ALL {
        for provision in CredentialKind::ALL {
            let policy = ClassPolicy { kinds: [provision].into(), mapping, provision };
            let retention = Retention { days: Some(7), readings: 12 };
            let saved = Class { policy, retention, ..class.clone() };
            commit(store, [Change::ClassSaved(saved.clone())]).await;
            assert_eq!(store.classes().await.unwrap(), [saved]);
        }
    }
    let other = Class { id: ClassId(2), name: "meters".into(), ..store.classes().await.unwrap().remove(0) };
    refused(store, [Change::ClassSaved(other.clone())]).await;
    commit(store, [Change::ClassAdded(other.clone())]).await;
    assert_eq!(store.classes().await.unwrap()[1], other);
    refused(store, [Change::ClassSaved(Class { name: class.name, ..other })]).await;
}

/// Those of its devices and claims that open, of the kinds that are asked for.
pub async fn the_credentials_of_a_class_are_found(store: &dyn Store) {
    register(store, 3).await;
    let class = Class {
        id: ClassId(2),
        name: "meters".into(),
        policy: ClassPolicy::default(),
        retention: Retention::default(),
    };
    commit(
        store,
        [
            Change::ClassAdded(class),
            Change::DeviceClassified { device: DeviceId(3), class: ClassId(2) },
            Change::ClaimAdded(claim(1)),
            adds(&credential(1, 1)),
            adds(&credential(2, 2)),
            adds(&Credential { state: CredentialState::Retired, ..credential(3, 2) }),
            adds(&Credential { holder: Holder::Claim(claim(1).id), ..credential(4, 1) }),
            adds(&credential(5, 3)),
            adds_with(&named(6, names()[0].clone()), Secret::None),
        ],
    )
    .await;
    let found = async |class, kinds: &[CredentialKind], after: Option<i64>, limit| {
        let after = after.map(CredentialId);
        let found = store.credentials_of_class(ClassId(class), kinds, after, limit).await.unwrap();
        found.into_iter().map(|id| id.0).collect::<Vec<_>>()
    };
    assert_eq!(found(1, &[CredentialKind::Psk], None, 9).await, [1, 2, 4]);
    assert_eq!(found(1, &[CredentialKind::Psk], Some(1), 1).await, [2]);
    assert_eq!(found(1, &[CredentialKind::RawPublicKey, CredentialKind::Certificate], None, 9).await, [6]);
    assert_eq!(found(1, &CredentialKind::ALL, Some(4), 9).await, [6]);
    assert_eq!(found(2, &CredentialKind::ALL, None, 9).await, [5]);
    assert!(
        found(1, &[], None, 9).await.is_empty() && found(9, &CredentialKind::ALL, None, 9).await.is_empty()
    );
}

/// The last one of each credential, found by who has issued it or stands above.
pub async fn a_certificate_that_was_seen_is_kept(store: &dyn Store) {
    register(store, 1).await;
    commit(store, (1..=4).map(|number| adds(&credential(number, 1)))).await;
    let (one, two, three) = (seen(1, b"a", b"root"), seen(2, b"a", b"a"), seen(3, b"b", b"root"));
    commit(store, [sees(1, &two), sees(1, &one), sees(2, &two), sees(3, &three), sees(99, &one)]).await;
    let ids = [1, 2, 3, 4, 99].map(CredentialId);
    let mut found = store.seen_certificates(&ids).await.unwrap();
    found.sort_by_key(|(id, _)| *id);
    let expected = [(1, one), (2, two), (3, three)].map(|(id, seen)| (CredentialId(id), seen));
    assert_eq!(found, expected);
    assert_eq!(store.seen_certificates(&[]).await.unwrap(), []);
    let issued = async |name: &[u8], after: Option<i64>, limit| {
        let after = after.map(CredentialId);
        let found = store.certificates_issued_by(Fingerprint::of(name), after, limit).await.unwrap();
        found.into_iter().map(|(id, _)| id.0).collect::<Vec<_>>()
    };
    assert_eq!(issued(b"a", None, 9).await, [1, 2]);
    assert_eq!(issued(b"root", None, 9).await, [1, 3]);
    assert_eq!(issued(b"root", Some(1), 9).await, [3]);
    assert_eq!(issued(b"a", None, 1).await, [1]);
    let (id, state) = (CredentialId(1), CredentialState::Revoked);
    commit(store, [Change::CredentialEnded { id, state, at: at(5) }]).await;
    assert_eq!(issued(b"a", None, 9).await, [2], "what opens nothing has no sessions to end");
}

/// Every field, replaced as a whole and taken away; one name and one certificate each.
pub async fn authorities_are_kept_replaced_and_removed(store: &dyn Store) {
    let list = RevocationList {
        der: vec![9; 5_000],
        number: Some("ff".repeat(20)),
        this_update: at(1),
        next_update: Some(at(2)),
        revoked: 65_536,
    };
    let own = Authority { own: true, ..authority(1) };
    commit(store, [saves(&authority(2)), saves(&own)]).await;
    assert_eq!(store.authorities().await.unwrap(), [own.clone(), authority(2)], "the oldest first");
    refused(store, [saves(&Authority { name: own.name.clone(), ..authority(3) })]).await;
    refused(store, [saves(&Authority { certificate: own.certificate.clone(), ..authority(3) })]).await;
    let replaced = Authority { revocations: Some(list.clone()), name: "other".into(), ..authority(2) };
    commit(store, [saves(&replaced)]).await;
    assert_eq!(store.authorities().await.unwrap(), [own.clone(), replaced]);
    let bare = RevocationList { number: None, next_update: None, ..list };
    let replaced = Authority { revocations: Some(bare), ..authority(2) };
    commit(store, [saves(&replaced), Change::AuthorityRemoved(AuthorityId(1))]).await;
    assert_eq!(store.authorities().await.unwrap(), [replaced]);
    commit(store, [Change::AuthorityRemoved(AuthorityId(99))]).await;
}

/// The server's own keys, each replaced by the next.
pub async fn keys_of_the_servers_own_are_kept(store: &dyn Store) {
    for of in OwnKey::ALL {
        assert_eq!(store.own_key(of).await.unwrap(), None);
    }
    let save = |key, number| Change::OwnKeySaved { key, pair: Box::new(pair(number)) };
    commit(store, [save(OwnKey::Authority, 1), save(OwnKey::Server, 2), save(OwnKey::Authority, 3)]).await;
    assert_eq!(store.own_key(OwnKey::Authority).await.unwrap(), Some(pair(3)));
    assert_eq!(store.own_key(OwnKey::Server).await.unwrap(), Some(pair(2)));
}
