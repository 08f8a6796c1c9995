//! Receivers that are not webhooks: a real broker and a real mail server, with TLS where the mail server wants it. And what
//! an operator sees of receivers and can try, without any secret.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup, command};
use maibo_e2e::publisher::publish;
use maibo_e2e::{free_port, until};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// Takes mail for everybody but nobody, only over TLS, and prints what it took.
const MAIL_SERVER: &str = r#"
import email, email.policy, json, signal, ssl, sys
from aiosmtpd.controller import Controller

class Keep:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        names = ("Subject", "Message-ID", "In-Reply-To", "Auto-Submitted")
        kept = {name: str(mail[name]) for name in names}
        kept.update(to=envelope.rcpt_tos, tls=session.ssl is not None, text=mail.get_content())
        print(json.dumps(kept), flush=True)
        return "250 taken"

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("leaf.pem", "leaf.key")
port = int(sys.argv[1])
Controller(Keep(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True).start()
signal.pause()
"#;

/// A process that ends with the test; what it prints goes to a file.
struct Process {
    child: Child,
    printed: std::path::PathBuf,
}

impl Process {
    fn start(command: &mut Command, printed: &Path) -> Self {
        let file = std::fs::File::create(printed).expect("a file");
        let child = command.stdout(file).stdin(Stdio::null()).spawn().expect("starts");
        Self { child, printed: printed.to_owned() }
    }

    fn lines(&self) -> Vec<String> {
        std::fs::read_to_string(&self.printed).expect("reads").lines().map(str::to_owned).collect()
    }

    fn wait_for(&self, n: usize) -> Vec<String> {
        until("what was printed", PATIENCE, || Some(self.lines()).filter(|lines| lines.len() >= n))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn setup(receivers: &str) -> (Maibo, u16) {
    let mut setup = Setup::default();
    let port = setup.embedded();
    setup.device("d1", "10s");
    setup.rules.push_str(
        "[[rule]]\nid = \"flood\"\ntitle = { zh = \"积水\", en = \"Flood\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = { zh = \"封路\", en = \"close the road\" }\nwhen = { quantity = \"water_depth\" }\n\
         levels = { yellow = 20, red = 50 }\ndirection = \"above\"\nkeep_firing_for = \"0s\"\n",
    );
    let _ = write!(setup.tables, "[sender]\nname = \"maibo.test\"\n{receivers}");
    (Maibo::prepare(&setup), port)
}

fn depth(port: u16, value: i64) {
    let message = ("maibo/v1/d1/telemetry".to_owned(), format!("{{\"water_depth\":{value}}}").into_bytes());
    assert_eq!(publish(port, &format!("d1-{value}"), &[message], Duration::from_secs(10)), 1);
}

/// The deliveries about the flood with an outcome.
fn deliveries(maibo: &Maibo, outcome: &str) -> Vec<Value> {
    let list = maibo.get(&format!("/api/v1/deliveries?outcome={outcome}"));
    list["items"].as_array().cloned().unwrap_or_default()
}

// Published with QoS 1, delivered when the broker said so; a broker that is away is waited for, and then told.
#[test]
fn a_broker_is_told() {
    let mut broker = Mosquitto::start(false);
    let receiver = format!(
        "[[receiver]]\nname = \"bus\"\nurl = \"mqtt://127.0.0.1:{}\"\ntopic = \"city/alerts\"\nformat = \"cloudevents\"\n\
         allow = [\"127.0.0.1\"]\n",
        broker.port
    );
    let (mut maibo, port) = setup(&receiver);
    let number = broker.port.to_string();
    let arguments = ["-V", "mqttv5", "-p", &number, "-t", "city/#", "-q", "1", "-F", "%t|%C|%P|%p"];
    let ears = Process::start(Command::new("mosquitto_sub").args(arguments), &maibo.dir.path().join("heard"));
    let probe = || {
        let said = ["-p", &number, "-t", "city/probe", "-m", "there", "-q", "1"];
        let status = Command::new("mosquitto_pub").args(said).status().expect("runs");
        assert!(status.success());
        (!ears.lines().is_empty()).then_some(())
    };
    until("somebody listens", PATIENCE, probe);
    maibo.start();
    depth(port, 30);
    until("delivered", PATIENCE, || (deliveries(&maibo, "delivered").len() == 1).then_some(()));
    let line = until("heard", PATIENCE, || ears.lines().into_iter().find(|line| line.starts_with("city/alerts|")));
    let parts: Vec<&str> = line.splitn(4, '|').collect();
    assert_eq!(parts[1], "application/cloudevents+json; charset=utf-8");
    assert!(parts[2].starts_with("webhook-id:msg_"), "{line}");
    let event: Value = serde_json::from_str(parts[3]).expect("JSON");
    assert_eq!((&event["type"], &event["data"]["level"]), (&json!("maibo.alert.firing"), &json!("yellow")));

    broker.terminate();
    depth(port, 60);
    let waiting = until("an attempt failed", PATIENCE, || {
        deliveries(&maibo, "pending").into_iter().find(|d| d["attempts"].as_u64() > Some(0))
    });
    assert_eq!(waiting["last_error"], "no connection to the receiver");
    let shown = maibo.get("/api/v1/receivers");
    assert_eq!((&shown[0]["health"], &shown[0]["pending"]), (&json!("failing"), &json!(1)));
    broker.resume();
    until("delivered", PATIENCE, || (deliveries(&maibo, "delivered").len() == 2).then_some(()));
    let shown = maibo.get("/api/v1/receivers");
    assert_eq!(
        (&shown[0]["health"], &shown[0]["pending"], &shown[0]["kind"]),
        (&json!("well"), &json!(0), &json!("mqtt"))
    );
    assert_eq!(maibo.terminate().code(), Some(0));
}

/// An authority and a certificate by it for 127.0.0.1.
fn certificates(directory: &Path) {
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(directory).output().expect("openssl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    std::fs::write(directory.join("leaf.ext"), "subjectAltName=IP:127.0.0.1\n").expect("writes");
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl(
        &[&["req", "-x509"], &key[..], &["-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=ca"]]
            .concat(),
    );
    openssl(&[&["req"], &key[..], &["-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=leaf"]].concat());
    openssl(&[
        "x509",
        "-req",
        "-in",
        "leaf.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "30",
        "-extfile",
        "leaf.ext",
        "-out",
        "leaf.pem",
    ]);
}

// Over STARTTLS to a real mail server, in one thread; a refused address needs a person and costs the others nothing.
#[test]
fn a_mail_server_is_told() {
    let mail_port = free_port();
    let mut receivers = String::new();
    for name in ["duty", "nobody"] {
        let _ = write!(
            receivers,
            "[[receiver]]\nname = \"{name}\"\nurl = \"smtp://127.0.0.1:{mail_port}\"\nallow = [\"127.0.0.1\"]\n\
             allow_plain = false\nfrom = \"Maibo <maibo@city.example>\"\nto = [\"{name}@city.example\"]\n"
        );
    }
    let (mut maibo, port) = setup(&receivers);
    let directory = maibo.dir.path().to_owned();
    certificates(&directory);
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", MAIL_SERVER, &mail_port.to_string()]).current_dir(&directory);
    let server = Process::start(&mut python, &directory.join("mails"));
    until("the mail server listens", PATIENCE, || std::net::TcpStream::connect(("127.0.0.1", mail_port)).ok());
    let authority = directory.join("ca.pem");
    maibo.spawn(&[("SSL_CERT_FILE", authority.to_str().expect("a path"))]);
    maibo.ready();
    depth(port, 60);
    server.wait_for(1);
    depth(port, 1);
    let mails: Vec<Value> = server.wait_for(2).iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&mails[0]["tls"], &mails[0]["to"]), (&json!(true), &json!(["duty@city.example"])));
    assert_eq!(mails[0]["Subject"], "🔴 红色预警 · 积水");
    assert_eq!(mails[1]["Subject"], "✅ 预警解除 · 积水");
    assert_eq!(mails[1]["In-Reply-To"], mails[0]["Message-ID"]);
    assert_eq!(mails[0]["Auto-Submitted"], "auto-generated");
    let text = mails[0]["text"].as_str().expect("text");
    assert!(text.contains("处置：封路") && text.contains("Do: close the road"), "{text}");

    // What an operator sees and can try.
    let (status, tested) = maibo.post("/api/v1/receivers/duty/test", &json!({}));
    assert_eq!((status, &tested["delivered"]), (200, &json!(true)), "{tested}");
    let mails = server.wait_for(3);
    assert!(mails[2].contains("7e57"), "{}", mails[2]);
    let mail: Value = serde_json::from_str(&mails[2]).expect("JSON");
    assert!(mail["Subject"].as_str().expect("a subject").starts_with("【测试】"), "{mail}");
    let (_, tested) = maibo.post("/api/v1/receivers/nobody/test", &json!({}));
    let words = "the receiver refuses (SMTP 550 no such user here)";
    assert_eq!((&tested["delivered"], &tested["error"]), (&json!(false), &json!(words)));
    assert_eq!(maibo.post("/api/v1/receivers/who/test", &json!({})).0, 404);
    // What the command says is the same; it does not know the authority, and says nothing to a server that it does not trust.
    let config = maibo.config();
    let by_hand = ["receiver", "test", "duty", "--config", config.to_str().expect("a path")];
    let (code, out, _) = command(&by_hand, &directory);
    assert_eq!((code, out.contains("duty: the receiver's certificate is not valid")), (Some(69), true), "{out}");
    let shown = maibo.get("/api/v1/receivers");
    assert_eq!(
        (&shown[0]["kind"], &shown[0]["format"], &shown[0]["host"]),
        (&json!("mail"), &json!("mail"), &json!("127.0.0.1"))
    );
    let how = ["health", "last_error", "needs_operator"].map(|field| shown[1][field].clone());
    assert_eq!(how, [json!("failing"), json!(words), json!(true)]);
    assert!(maibo.last_log().contains("a test was sent"));
    assert_eq!(maibo.terminate().code(), Some(0));
}

// A template that does not work is found by `maibo check`, with its line, and no secret of a url is shown.
#[test]
fn a_bad_template_is_found_by_check() {
    let receiver = "[[receiver]]\nname = \"app\"\nurl = \"https://app.example/hook?token=verysecret\"\nformat = \"template\"\n\
                    template = \"app.json\"\n";
    let (maibo, _) = setup(receiver);
    let check = || command(&["check", maibo.config().to_str().expect("a path")], maibo.dir.path());
    std::fs::write(maibo.dir.path().join("app.json"), "{\n\"text\": \"{{ heat.zh }}\"\n}").expect("writes");
    let (code, out, err) = check();
    assert_eq!(code, Some(65), "{out}{err}");
    assert!(err.contains("receiver[0].template") && err.contains("line 2"), "{err}");
    assert!(!err.contains("verysecret"), "{err}");
    std::fs::write(maibo.dir.path().join("app.json"), "{\n\"text\": \"{{ head.zh }}\"\n}").expect("writes");
    assert_eq!(check().0, Some(0));
}

// Over TLS, where the broker's certificate is one that is trusted; where it is not, nothing is said to it.
#[test]
fn a_broker_is_told_over_tls() {
    let broker = free_port();
    let receiver = format!(
        "[[receiver]]\nname = \"bus\"\nurl = \"mqtts://127.0.0.1:{broker}\"\ntopic = \"city/alerts\"\nformat = \"cap\"\n\
         allow = [\"127.0.0.1\"]\n"
    );
    let (mut maibo, port) = setup(&receiver);
    let directory = maibo.dir.path().to_owned();
    certificates(&directory);
    let file = |name: &str| directory.join(name).to_str().expect("a path").to_owned();
    let text = format!(
        "listener {broker} 127.0.0.1\nallow_anonymous true\nuser root\ncertfile {}\nkeyfile {}\n",
        file("leaf.pem"),
        file("leaf.key")
    );
    std::fs::write(file("tls.conf"), text).expect("writes");
    let program = if Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
    let _broker = Process::start(Command::new(program).args(["-c", &file("tls.conf")]), &directory.join("broker"));
    until("the broker listens", PATIENCE, || std::net::TcpStream::connect(("127.0.0.1", broker)).ok());
    let (number, authority) = (broker.to_string(), file("ca.pem"));
    let arguments = ["--cafile", &authority, "-V", "mqttv5", "-p", &number, "-t", "city/#", "-q", "1", "-F", "%t|%p"];
    let ears = Process::start(
        Command::new("mosquitto_sub").args(["-h", "127.0.0.1"]).args(arguments),
        &directory.join("heard"),
    );
    let probe = || {
        let said = ["--cafile", &authority, "-h", "127.0.0.1", "-p", &number, "-t", "city/probe", "-m", "x", "-q", "1"];
        assert!(Command::new("mosquitto_pub").args(said).status().expect("runs").success());
        (!ears.lines().is_empty()).then_some(())
    };
    until("somebody listens", PATIENCE, probe);
    let heard = || ears.lines().into_iter().find(|line| line.starts_with("city/alerts|"));

    maibo.start();
    depth(port, 30);
    let waiting = until("an attempt failed", PATIENCE, || {
        deliveries(&maibo, "pending").into_iter().find(|d| d["attempts"].as_u64() > Some(0))
    });
    assert_eq!(waiting["last_error"], "the receiver's certificate is not valid");
    assert_eq!(heard(), None);
    assert_eq!(maibo.terminate().code(), Some(0));

    maibo.spawn(&[("SSL_CERT_FILE", &authority)]);
    maibo.ready();
    let line = until("heard", PATIENCE, heard);
    assert!(line.contains("<alert xmlns="), "{line}");
    // By its own number: that the broker took nothing before may be an alert of Maibo's by now, and is told there as well.
    let same = |d: &Value| d["id"] == waiting["id"] && d["version"] == waiting["version"];
    until("delivered", PATIENCE, || deliveries(&maibo, "delivered").iter().any(same).then_some(()));
    assert_eq!(maibo.terminate().code(), Some(0));
}
