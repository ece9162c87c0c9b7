//! Peers with other contracts, each as durable as it can be before it answers.

use super::contender::{Contender, Launch, Place, Speaks, version};
use super::install::{debian, debian_program, libraries, run};
use super::process::free_port;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) static REDIS: Contender = Contender {
    name: "redis",
    title: "Redis streams",
    speaks: Speaks::Other("redis"),
    durability: "appendfsync always",
    set_up: || {
        let line = version(debian_program("usr/bin/redis-server")?.arg("--version"))?;
        Ok(line.split(" sha=").next().unwrap_or_default().to_owned())
    },
    launch: |place| {
        let mut redis = debian_program("usr/bin/redis-server")?;
        redis.args(["--bind", "127.0.0.1", "--port", &place.port.to_string(), "--save", ""]);
        redis.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]).arg(place.folder);
        Ok(redis.into())
    },
};

pub(super) static BEANSTALKD: Contender = Contender {
    name: "beanstalkd",
    title: "beanstalkd",
    speaks: Speaks::Other("beanstalkd"),
    durability: "binlog, fsync at each write (-f 0)",
    set_up: || version(debian_program("usr/bin/beanstalkd")?.arg("-v")),
    launch: |place| {
        let mut beanstalkd = debian_program("usr/bin/beanstalkd")?;
        beanstalkd
            .args(["-l", "127.0.0.1", "-p", &place.port.to_string(), "-f", "0", "-b"])
            .arg(place.folder);
        Ok(beanstalkd.into())
    },
};

pub(super) static NATS: Contender = Contender {
    name: "nats",
    title: "NATS JetStream",
    speaks: Speaks::Other("nats"),
    durability: "**not synced** before the answer (this version has no such setting)",
    set_up: || version(debian_program("usr/sbin/nats-server")?.arg("--version")),
    launch: |place| {
        let mut nats = debian_program("usr/sbin/nats-server")?;
        nats.args(["--addr", "127.0.0.1", "--port", &place.port.to_string(), "--jetstream", "--store_dir"]);
        nats.arg(place.folder.join("store"));
        Ok(nats.into())
    },
};

pub(super) static POSTGRES: Contender = Contender {
    name: "postgres",
    title: "PostgreSQL, SKIP LOCKED",
    speaks: Speaks::Other("postgres"),
    durability: "fsync and synchronous_commit on",
    set_up: || version(Command::new(postgres_programs()?.join("postgres")).arg("--version")),
    launch: postgres,
};

/// The newest PostgreSQL of this system: its server is not in the path.
fn postgres_programs() -> Result<PathBuf, String> {
    let entries =
        std::fs::read_dir("/usr/lib/postgresql").map_err(|_| "PostgreSQL is not installed".to_owned())?;
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = entries.flatten().map(|entry| entry.path()).max_by_key(|path| number(path));
    Ok(newest.ok_or("PostgreSQL is not installed")?.join("bin"))
}

/// PostgreSQL refuses to run as root: then it is given the account that its package made.
fn postgres(place: &Place) -> Result<Launch, String> {
    let programs = postgres_programs()?;
    let data = place.folder.join("data");
    std::fs::create_dir(&data).map_err(|error| error.to_string())?;
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0);
    if is_root {
        run(Command::new("chown").arg("postgres").arg(&data))?;
    }
    let program = |name: &str| {
        let path = programs.join(name);
        if is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        }
    };
    let mut init = program("initdb");
    init.args(["--username", "bench", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--pgdata"]);
    run(init.arg(&data).current_dir("/"))?;
    let mut server = program("postgres");
    server.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &place.port.to_string()]);
    // Enough for the table to stay in memory, as it does in the other servers.
    server.args(["-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "shared_buffers=1GB"]);
    server.args(["-c", "max_wal_size=4GB"]).current_dir("/");
    Ok(server.into())
}

pub(super) static RABBITMQ: Contender = Contender {
    name: "rabbitmq",
    title: "RabbitMQ quorum queue",
    speaks: Speaks::Other("rabbitmq"),
    durability: "quorum queue of one, confirmed after its log's fsync",
    set_up: || {
        let name = rabbitmq_home(&debian()?)?;
        let name = name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(name.replace("rabbitmq_server-", "RabbitMQ "))
    },
    launch: rabbitmq,
};

fn rabbitmq_home(root: &Path) -> Result<PathBuf, String> {
    let below = root.join("usr").join("lib").join("rabbitmq").join("lib");
    let entries = std::fs::read_dir(below).map_err(|_| "RabbitMQ is not in the packages".to_owned())?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .next()
        .ok_or_else(|| "RabbitMQ is not in the packages".to_owned())
}

/// With a port mapper of its own, as the one that Erlang would start stays behind.
fn rabbitmq(place: &Place) -> Result<Launch, String> {
    let root = debian()?;
    let erlang = root.join("usr").join("lib").join("erlang").join("bin");
    let mapper_port = free_port()?.to_string();
    let mut mapper = Command::new(erlang.join("epmd"));
    mapper.args(["-port", &mapper_port, "-address", "127.0.0.1"]);
    mapper.env("LD_LIBRARY_PATH", libraries(&root));
    let settings = format!("listeners.tcp.1 = {}\n", place.address());
    let settings = place.write("rabbitmq.conf", &settings)?;
    let mut server = Command::new(rabbitmq_home(&root)?.join("sbin").join("rabbitmq-server"));
    server.env("PATH", format!("{}:/usr/bin:/bin", erlang.display())).env("HOME", place.folder);
    server.env("LD_LIBRARY_PATH", libraries(&root)).current_dir(place.folder);
    server.env("ERL_EPMD_PORT", mapper_port).env("ERL_EPMD_ADDRESS", "127.0.0.1");
    for (name, value) in [
        ("RABBITMQ_NODENAME", format!("bench{}@localhost", place.port)),
        ("RABBITMQ_DIST_PORT", free_port()?.to_string()),
        ("RABBITMQ_CONFIG_FILE", settings.with_extension("").display().to_string()),
        ("RABBITMQ_CONF_ENV_FILE", place.folder.join("none").display().to_string()),
    ] {
        server.env(name, value);
    }
    for (name, file) in [
        ("RABBITMQ_MNESIA_BASE", "data"),
        ("RABBITMQ_LOG_BASE", "log"),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", "plugins"),
        ("RABBITMQ_PID_FILE", "pid"),
    ] {
        server.env(name, place.folder.join(file));
    }
    Ok(Launch { command: server, beside: Some(mapper), is_guarded: false })
}
