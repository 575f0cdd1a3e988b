//! A device that keeps what it is given, and a power cut or a crash at each step (RELIABILITY.md has it as I-27).

use super::*;

/// The Security and Server instances of a device, as it would find them after a power cut.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    values: BTreeMap<Path, Value>,
}

/// What is cut off, at which step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// The step does not reach the device, and the session ends in silence.
    BeforeTheDevice(usize),
    /// The device has done the step, and the server does not hear of it.
    AfterTheDevice(usize),
    /// The same, and the server starts anew.
    Server(usize),
}

impl Client {
    /// One whose bootstrap account is in `/0/0`.
    pub(super) fn fresh() -> Self {
        let mut client = Self::default();
        client.put("/0/0/1", Value::Boolean(true));
        client
    }

    fn with_bootstrap(shown: &Shown) -> Self {
        let mut client = Self::fresh();
        client.put("/0/0/3", Value::Opaque(shown.credential.identity.to_bytes()));
        client.put("/0/0/5", Value::Opaque(shown.psk().unwrap().as_bytes().to_vec()));
        client
    }

    /// Does a step as a client does: an instance that is written is replaced at once.
    pub(super) fn take(&mut self, step: &Step) -> StepAnswer {
        match step {
            Step::Discover(_) => return answer(2, 5, &self.links()),
            Step::Read { .. } => return answer(4, 5, ""),
            Step::Delete(path) => {
                let bootstrap = self.bootstrap();
                self.values.retain(|at, _| !at.is_within(path) || at.parent() == Some(bootstrap));
                return answer(2, 2, "");
            }
            Step::Write { path, values, .. } => {
                self.values.retain(|at, _| !at.is_within(path));
                self.values.extend(values.iter().cloned());
            }
            Step::Finish if self.management().is_none() => return answer(4, 6, "no account"),
            Step::Finish => {}
        }
        answer(2, 4, "")
    }

    /// Identity and key of the account that it would register with.
    fn management(&self) -> Option<(PskIdentity, PskKey)> {
        let accounts = self.instances(0).into_iter().filter(|path| *path != self.bootstrap());
        accounts.into_iter().find_map(|security| {
            let ssid = self.get(security, 10)?;
            self.instances(1).into_iter().find(|server| self.get(*server, 0) == Some(ssid))?;
            self.credential(security)
        })
    }

    fn bootstrap(&self) -> Path {
        let is_bootstrap = |path: &Path| self.get(*path, 1) == Some(&Value::Boolean(true));
        self.instances(0).into_iter().find(is_bootstrap).expect("a bootstrap account is never lost")
    }

    fn credential(&self, security: Path) -> Option<(PskIdentity, PskKey)> {
        match (self.get(security, 3)?, self.get(security, 5)?) {
            (Value::Opaque(identity), Value::Opaque(key)) => {
                Some((PskIdentity::new(identity.clone()).ok()?, PskKey::new(key.clone()).ok()?))
            }
            _ => None,
        }
    }

    fn links(&self) -> String {
        let mut links = vec!["</>;lwm2m=1.1".to_owned()];
        for (object, ssid) in [(0, 10), (1, 0)] {
            for path in self.instances(object) {
                let ssid = self.get(path, ssid).filter(|_| path != self.bootstrap() || object == 1);
                links.push(match ssid {
                    Some(ssid) => format!("<{path}>;ssid={ssid}"),
                    None => format!("<{path}>"),
                });
            }
        }
        links.join(",")
    }

    fn instances(&self, object: u16) -> Vec<Path> {
        let mut instances: Vec<Path> = self.values.keys().filter_map(Path::parent).collect();
        instances.retain(|path| path.object() == Some(objects::ObjectId(object)));
        instances.dedup();
        instances
    }

    fn get(&self, instance: Path, resource: u16) -> Option<&Value> {
        self.values.get(&instance.child(resource)?)
    }

    fn put(&mut self, path: &str, value: Value) {
        self.values.insert(path.parse().unwrap(), value);
    }
}

/// Bootstraps a device with one cut in the middle and then without, and checks at each moment that it can come in.
/// Whether the cut came before the end.
pub(super) fn survive(fresh: bool, claimed: bool, cut: Cut) -> bool {
    let mut world = World::new();
    let shown = if claimed { world.claim(1) } else { world.add("node-7") };
    let mut client = Client::with_bootstrap(&shown);
    if !fresh {
        assert!(!run(&world, &mut client, None));
        let (identity, _) = client.management().unwrap();
        world.open(Purpose::Management, &identity).unwrap();
    }
    let was_cut = run(&world, &mut client, Some(cut));
    if matches!(cut, Cut::Server(_)) {
        world = World::on(Arc::clone(&world.store), 1);
    }
    assert!(can_come_in(&world, &client, !fresh), "{cut:?} of fresh={fresh} claimed={claimed}: {client:?}");
    if !was_cut {
        return false;
    }
    assert!(!run(&world, &mut client, None), "the next bootstrap goes through");
    let (identity, key) = client.management().unwrap();
    assert_eq!(world.open(Purpose::Management, &identity), Ok(key));
    if claimed {
        assert_eq!(world.claims()[0].used, 1);
    }
    true
}

/// One bootstrap. Whether it was cut off.
fn run(world: &World, client: &mut Client, cut: Option<Cut>) -> bool {
    let (identity, key) = client.credential(client.bootstrap()).unwrap();
    let opening = block_on(world.fleet.opening(Purpose::Bootstrap, identity.as_bytes(), world.now()));
    let opening = opening.unwrap().unwrap();
    assert_eq!(opening.key, Some(key));
    let from = "192.0.2.7:40000".parse().unwrap();
    block_on(world.fleet.opened(opening.identity, from, None, None, world.now())).unwrap().unwrap();
    let mut asked = world.asked("node-7", None);
    asked.origin.identity = Some(opening.identity);
    let mut session = block_on(world.fleet.begin_bootstrap(&asked, &world.settings)).unwrap();
    let mut steps = 0;
    while let fleet::Next::Step(step) = session.next(world.now()) {
        let (before, cut_here) = match cut {
            Some(Cut::BeforeTheDevice(at)) => (true, at == steps),
            Some(Cut::AfterTheDevice(at) | Cut::Server(at)) => (false, at == steps),
            None => (false, false),
        };
        if cut_here && before {
            session.answered(world.now(), StepAnswer::Silent);
            block_on(world.fleet.end_bootstrap(&session, &asked)).unwrap();
            return true;
        }
        let answer = client.take(&step);
        if cut_here {
            if matches!(cut, Some(Cut::AfterTheDevice(_))) {
                session.answered(world.now(), StepAnswer::Silent);
                block_on(world.fleet.end_bootstrap(&session, &asked)).unwrap();
            }
            return true;
        }
        session.answered(world.now(), answer);
        block_on(world.fleet.save_bootstrap(session.record())).unwrap();
        steps += 1;
    }
    assert_eq!(session.record().result, BootstrapResult::Finished, "{:?}", session.record());
    block_on(world.fleet.end_bootstrap(&session, &asked)).unwrap();
    false
}

/// Whether the server takes the account that the device holds, or else lets it bootstrap anew. `managed` asks for the
/// former: a device that had an account that works has one at each moment.
fn can_come_in(world: &World, client: &Client, managed: bool) -> bool {
    let opens = |purpose, (identity, key): (PskIdentity, PskKey)| {
        let opening = block_on(world.fleet.opening(purpose, identity.as_bytes(), world.now())).unwrap();
        opening.is_ok_and(|opening| opening.key == Some(key))
    };
    let bootstraps = client.credential(client.bootstrap()).is_some_and(|one| opens(Purpose::Bootstrap, one));
    match client.management() {
        Some(account) => opens(Purpose::Management, account) && bootstraps,
        None => !managed && bootstraps,
    }
}

fn answer(class: u8, detail: u8, text: &str) -> StepAnswer {
    StepAnswer::Answered {
        code: ResponseCode { class, detail },
        payload: text.as_bytes().to_vec(),
        format: None,
    }
}
