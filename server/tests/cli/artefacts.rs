//! Artefacts from the command line: signed, uploaded, withdrawn; and an upload whose server is killed.

use std::{
    fs,
    io::Write as _,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use crate::world::{World, offline};

/// RFC 8410 §10.3, §10.1.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

#[test]
fn an_image_is_signed_uploaded_downloaded_withdrawn_and_removed() {
    let world = World::start();
    let file = |name: &str, content: &[u8]| {
        let path = world.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    // More than one buffer, and more than one part of a download.
    let bytes: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
    let image = file("firmware.bin", &bytes);
    let (key, public) = (file("key.pem", KEY.as_bytes()), file("public.pem", PUBLIC.as_bytes()));
    let printed = world.prints(&[
        "artefact",
        "sign",
        "--key",
        &key,
        "--class",
        "default",
        "--version",
        "1.4.0",
        "--sequence",
        "7",
        &image,
    ]);
    assert!(printed.contains("firmware.bin.signed"), "{printed}");
    let signature = format!("{image}.signed");
    let upload = ["artefact", "upload", "--name", "gateway", "--signature", &signature, &image];
    let (_, refused) = world.fails(&upload);
    assert!(refused.contains("none of the class's update keys"), "{refused}");
    let trusted = world.json(&["class", "key", "add", "default", "build", &public]);
    let added = world.json(&upload);
    assert_eq!(
        (&added["version"], &added["sequence"], &added["size"]),
        (&"1.4.0".into(), &7.into(), &300_000.into())
    );
    let id = added["id"].as_str().unwrap();
    let shown = world.json(&["artefact", "show", id]);
    assert_eq!((&shown["misfit"], &shown["key"]), (&serde_json::Value::Null, &trusted["id"]));
    let copy = world.folder.path().join("copy.bin");
    world.prints(&["artefact", "download", id, &copy.display().to_string()]);
    assert_eq!(fs::read(copy).unwrap(), bytes);
    world.prints(&["class", "key", "revoke", "default", trusted["id"].as_str().unwrap(), "--yes"]);
    assert_eq!(world.json(&["artefact", "show", id])["misfit"]["reason"], "revoked key");
    world.prints(&["artefact", "withdraw", id]);
    world.prints(&["artefact", "remove", id, "--yes"]);
    assert_eq!(world.json(&["artefact", "list"]), serde_json::json!([]));
    assert!(kept(&world.folder.path().join("data")).is_empty());
}

#[test]
fn an_upload_whose_server_is_killed_leaves_no_row_and_no_file() {
    let mut world = World::start();
    world.prints(&["class", "updates", "set", "default", "--unsigned", "true"]);
    world.stop();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = world.folder.path().join("muster.toml");
    let text = fs::read_to_string(&config).unwrap();
    let console = text
        .replace("[console]\nlisten = \"127.0.0.1:0\"", &format!("[console]\nlisten = \"127.0.0.1:{port}\""));
    assert_ne!(console, text);
    fs::write(&config, console).unwrap();
    world.url = format!("http://127.0.0.1:{port}");
    let data = world.folder.path().join("data");

    let mut server = started(&world, port);
    let body = "--cut\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nhalf\r\n\
                --cut\r\nContent-Disposition: form-data; name=\"version\"\r\n\r\n1\r\n\
                --cut\r\nContent-Disposition: form-data; name=\"image\"; filename=\"image\"\r\n\r\n";
    let head = format!(
        "POST /api/v1/artefacts HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary=cut\r\nContent-Length: 9000000\r\n\r\n{body}",
        world.token
    );
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(&[7; 500_000]).unwrap();
    until(|| kept(&data).iter().any(|(_, len)| *len > 0));
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(kept(&data).len(), 1, "what was written so far is left");

    let mut server = started(&world, port);
    assert_eq!(world.json(&["artefact", "list"]), serde_json::json!([]));
    assert!(kept(&data).is_empty());
    server.kill().unwrap();
    server.wait().unwrap();
}

/// A server in a process of its own, once it answers.
fn started(world: &World, port: u16) -> Child {
    let mut command = offline(world.folder.path(), &[]);
    let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
    server
}

/// The files of artefacts, with their lengths.
fn kept(data: &Path) -> Vec<(String, u64)> {
    let entries = fs::read_dir(data.join("artefacts")).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len())).collect()
}

fn until(done: impl Fn() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("it does not come to that");
}
