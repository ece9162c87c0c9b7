//! Peers with the SQS contract.

use super::contender::{Contender, Launch, Place, Speaks};
use super::install::{manifest, newer_python, once, python, python_version, run};
use super::process::peers;
use std::path::Path;
use std::process::Command;

const IN_MEMORY: &str = "nothing: in memory only";

pub(super) static ELASTICMQ: Contender = Contender {
    name: "elasticmq",
    title: "ElasticMQ",
    speaks: Speaks::Sqs,
    durability: IN_MEMORY,
    set_up: set_up_elasticmq,
    launch: elasticmq,
};

fn set_up_elasticmq() -> Result<String, String> {
    let pom = manifest("elasticmq").join("pom.xml");
    let folder = once("elasticmq", &pom, |folder| {
        let mut maven = Command::new("mvn");
        maven.args(["--batch-mode", "--quiet", "--file"]).arg(&pom);
        maven
            .arg("dependency:copy-dependencies")
            .arg(format!("-DoutputDirectory={}", folder.join("lib").display()));
        run(&mut maven)
    })?;
    let jars = std::fs::read_dir(folder.join("lib")).map_err(|error| error.to_string())?;
    let names = jars.flatten().filter_map(|jar| jar.file_name().into_string().ok());
    let version = names
        .filter_map(|name| {
            Some(name.strip_prefix("elasticmq-server_2.13-")?.strip_suffix(".jar")?.to_owned())
        })
        .max();
    version.ok_or_else(|| "Maven left no elasticmq-server".to_owned())
}

fn elasticmq(place: &Place) -> Result<Launch, String> {
    let mut java = Command::new("java");
    java.arg("-cp").arg(peers().join("elasticmq").join("lib").join("*"));
    java.args([
        format!("-Drest-sqs.bind-port={}", place.port),
        "-Drest-sqs.bind-hostname=127.0.0.1".to_owned(),
        format!("-Dnode-address.port={}", place.port),
        "-Dnode-address.host=127.0.0.1".to_owned(),
        "-Drest-stats.enabled=false".to_owned(),
    ]);
    java.arg("org.elasticmq.server.Main").current_dir(place.folder);
    Ok(java.into())
}

pub(super) static GOAWS: Contender = Contender {
    name: "goaws",
    title: "goaws",
    speaks: Speaks::Sqs,
    durability: IN_MEMORY,
    set_up: set_up_goaws,
    launch: goaws,
};

fn set_up_goaws() -> Result<String, String> {
    let module = manifest("goaws");
    once("goaws", &module.join("go.mod"), |folder| {
        // Copied, as Go would tidy a module in which no code asks for the requirement.
        for file in ["go.mod", "go.sum"] {
            std::fs::copy(module.join(file), folder.join(file))
                .map_err(|error| format!("{file}: {error}"))?;
        }
        let mut build = Command::new("go");
        build.args(["build", "-mod=mod", "-o", "goaws", "github.com/Admiral-Piett/goaws/app/cmd"]);
        run(build.current_dir(folder))
    })?;
    let text = std::fs::read_to_string(module.join("go.mod")).map_err(|error| error.to_string())?;
    let mut words = text.split_whitespace().skip_while(|word| *word != "github.com/Admiral-Piett/goaws");
    words.nth(1).map(str::to_owned).ok_or_else(|| "go.mod does not say which goaws".to_owned())
}

fn goaws(place: &Place) -> Result<Launch, String> {
    let settings = format!(
        "Local:\n  Host: 127.0.0.1\n  Port: {}\n  Region: us-east-1\n  AccountId: \"000000000000\"\n",
        place.port
    );
    let file = place.write("goaws.yaml", &settings)?;
    let mut goaws = Command::new(peers().join("goaws").join("goaws"));
    goaws.args(["-loglevel", "error", "-config"]).arg(file);
    Ok(goaws.into())
}

pub(super) static MOTO: Contender = Contender {
    name: "moto",
    title: "moto server",
    speaks: Speaks::Sqs,
    durability: IN_MEMORY,
    set_up: || python_version(&python("moto", Path::new("python3"))?, "moto"),
    launch: |place| {
        let mut moto = Command::new(peers().join("moto").join("venv").join("bin").join("moto_server"));
        moto.args(["--host", "127.0.0.1", "--port", &place.port.to_string()]).current_dir(place.folder);
        Ok(moto.into())
    },
};

pub(super) static LOCALSTACK: Contender = Contender {
    name: "localstack",
    title: "LocalStack",
    speaks: Speaks::Sqs,
    durability: IN_MEMORY,
    set_up: || python_version(&python("localstack", &newer_python()?)?, "localstack-core"),
    launch: localstack,
};

/// Only SQS, loaded at the start; nothing is reported to anybody.
fn localstack(place: &Place) -> Result<Launch, String> {
    let mut localstack = Command::new(peers().join("localstack").join("venv").join("bin").join("python"));
    localstack.args(["-m", "localstack.runtime.main"]).current_dir(place.folder);
    let home = place.folder.join("localstack");
    localstack.env("GATEWAY_LISTEN", place.address()).env("LOCALSTACK_HOST", place.address());
    localstack.env("SERVICES", "sqs").env("EAGER_SERVICE_LOADING", "1").env("LS_LOG", "error");
    localstack.env("DISABLE_EVENTS", "1").env("SKIP_SSL_CERT_DOWNLOAD", "1").env("FILESYSTEM_ROOT", &home);
    localstack.env("XDG_CACHE_HOME", &home).env("TMPDIR", place.folder).env("DEBUG", "0");
    Ok(localstack.into())
}
