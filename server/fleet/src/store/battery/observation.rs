//! Observations.

use objects::ContentFormat;

use super::fixture::*;
use crate::{Change, DeviceId, Observation, ObservationToken, Paths, Registration, Store};

/// One a path; the paths are in the order of the tree, not of the text.
pub async fn an_observation_begins_is_replaced_and_ends(store: &dyn Store) {
    register(store, 2).await;
    let paths = ["/3", "/3/0", "/3/0/7", "/3/0/7/0", "/3/0/10", "/3/10", "/10"];
    commit(store, paths.iter().rev().map(|path| Change::ObservationBegan(observation(1, path)))).await;
    commit(store, [Change::ObservationBegan(observation(2, "/3"))]).await;
    assert_eq!(store.observations(DeviceId(1)).await.unwrap(), paths.map(|path| observation(1, path)));

    let token = ObservationToken::new(&[9; 8]).unwrap();
    let replaced = Observation { token, format: None, since: at(5), ..observation(1, "/3") };
    let gone = Change::ObservationEnded { device: DeviceId(1), target: path("/3/0/7").into() };
    let never = Change::ObservationEnded { device: DeviceId(1), target: path("/4").into() };
    commit(store, [Change::ObservationBegan(replaced.clone()), gone, never]).await;
    let found = store.observations(DeviceId(1)).await.unwrap();
    assert_eq!(found.len(), paths.len() - 1);
    assert_eq!(found[0], replaced);
    assert!(found.iter().all(|observation| observation.target != path("/3/0/7").into()));
    assert_eq!(store.observations(DeviceId(2)).await.unwrap(), [observation(2, "/3")]);
}

/// One of several paths is another than those of each, and than one of the same in another order.
pub async fn an_observation_of_several_paths_is_one(store: &dyn Store) {
    register(store, 1).await;
    let of = |texts: &[&str], token: u8| Observation {
        target: texts.iter().map(|text| path(text)).collect::<Paths>().into(),
        token: ObservationToken::new(&[token]).unwrap(),
        ..observation(1, "/3")
    };
    let several =
        [of(&["/3/0/9"], 1), of(&["/3/0/9", "/3303/0/5700"], 2), of(&["/3303/0/5700", "/3/0/9"], 3)];
    let single = observation(1, "/3/0/9");
    commit(store, several.iter().chain([&single]).cloned().map(Change::ObservationBegan)).await;
    let mut expected = vec![single];
    expected.extend(several.clone());
    assert_eq!(store.observations(DeviceId(1)).await.unwrap(), expected);
    assert_eq!(store.restore().await.unwrap().observations.len(), 4);

    let replaced = of(&["/3/0/9", "/3303/0/5700"], 9);
    let ended = Change::ObservationEnded { device: DeviceId(1), target: several[2].target.clone() };
    commit(store, [Change::ObservationBegan(replaced.clone()), ended]).await;
    let expected = [observation(1, "/3/0/9"), several[0].clone(), replaced];
    assert_eq!(store.observations(DeviceId(1)).await.unwrap(), expected);
}

/// And those of other devices do not.
pub async fn all_observations_of_a_device_end_together(store: &dyn Store) {
    register(store, 2).await;
    let began = [(1, "/3/0/7"), (1, "/4"), (2, "/3/0/7")];
    commit(store, began.map(|(number, path)| Change::ObservationBegan(observation(number, path)))).await;
    commit(store, [Change::ObservationsEnded { device: DeviceId(1) }]).await;
    assert_eq!(store.observations(DeviceId(1)).await.unwrap(), []);
    assert_eq!(store.observations(DeviceId(2)).await.unwrap(), [observation(2, "/3/0/7")]);
    // A second time, and of a device that is not there.
    commit(store, [1, 9].map(|number| Change::ObservationsEnded { device: DeviceId(number) })).await;
}

/// An Update, and a new registration too, leaves them to those who end them.
pub async fn observations_stay_when_a_registration_changes(store: &dyn Store) {
    register(store, 1).await;
    commit(store, [Change::ObservationBegan(observation(1, "/3/0/7"))]).await;
    let anew = Registration { epoch: 2, id: crate::RegistrationId(5), ..registration(1) };
    commit(store, [Change::Registered(Box::new(anew))]).await;
    assert_eq!(store.observations(DeviceId(1)).await.unwrap(), [observation(1, "/3/0/7")]);
}

/// Tokens of one to eight bytes, zeros among them, and any format number or none.
pub async fn every_token_and_format_survives(store: &dyn Store) {
    register(store, 1).await;
    let tokens: [&[u8]; 5] = [&[0], &[0, 0], &[0xff; 7], &[0; 8], &[1, 0, 0, 0, 0, 0, 0, 0xff]];
    let formats =
        [None, Some(0), Some(60), Some(u16::MAX), Some(11_542)].map(|format| format.map(ContentFormat));
    let observations: Vec<Observation> = tokens
        .iter()
        .zip(formats)
        .enumerate()
        .map(|(index, (token, format))| Observation {
            token: ObservationToken::new(token).unwrap(),
            format,
            number: (index > 0).then_some(0x00ff_ffff >> index),
            ..observation(1, &format!("/3/0/{index}"))
        })
        .collect();
    commit(store, observations.iter().cloned().map(Change::ObservationBegan)).await;
    assert_eq!(store.observations(DeviceId(1)).await.unwrap(), observations);
}
