//! A Postgres of our own: Debian's binaries, a cluster in a temporary folder, one per process.
//!
//! The server listens on a free loopback port and asks for a password there; only the socket in
//! its own folder, which `psql` uses, does not. A watchdog ends the server and removes the folder
//! when this process ends, however it ends.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};

use crate::process::free_port;

mod session;

pub use session::Session;

/// The cluster's superuser.
const SUPERUSER: &str = "plumb";
/// Its password: different from every other word, so that a test can look for it in output.
pub const PASSWORD: &str = "s3cret-of-the-test-cluster";

/// A database of one's own in the process's cluster; dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
    cluster: &'static Cluster,
}

/// Lets databases of this process be reached at another address of this machine, too, such as one
/// that pods can reach. It counts if it is said before the first database is created.
pub fn listen_also_on(address: IpAddr) {
    ALSO.set(address).ok();
}

static ALSO: OnceLock<IpAddr> = OnceLock::new();

/// Lets the server of this process keep what it said was stored, as Postgres does where nobody says
/// otherwise: for measurements. It counts if it is said before the first database is created.
pub fn durable() {
    DURABLE.set(()).ok();
}

static DURABLE: OnceLock<()> = OnceLock::new();

impl Database {
    /// An empty database. The first one in a process starts the cluster.
    ///
    /// # Errors
    /// If Postgres is not installed or does not start, with what to install.
    pub fn create() -> anyhow::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let cluster = cluster()?;
        let name = format!("plumbline_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        cluster.sql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(Self { name, cluster })
    }

    /// An empty database whose tables are in a folder of the caller's, which may be on a small
    /// disk. The folder is empty, and anybody may go through those above it.
    ///
    /// # Errors
    /// As [`Database::create`].
    pub fn create_in(folder: &Path) -> anyhow::Result<Self> {
        let database = Self::create()?;
        let Self { name, cluster } = &database;
        cluster.user.own(folder)?;
        let place = folder.display();
        cluster.sql("postgres", &format!("CREATE TABLESPACE {name} LOCATION '{place}'"))?;
        cluster.sql("postgres", &format!("ALTER DATABASE {name} SET TABLESPACE {name}"))?;
        Ok(database)
    }

    /// Address for the superuser, who owns the database.
    pub fn url(&self) -> String {
        self.url_as(SUPERUSER, PASSWORD)
    }

    /// Address for another role.
    pub fn url_as(&self, role: &str, password: &str) -> String {
        self.url_at(IpAddr::V4(Ipv4Addr::LOCALHOST), role, password)
    }

    /// Address for the superuser from elsewhere, see [`listen_also_on`].
    pub fn url_from(&self, address: IpAddr) -> String {
        self.url_at(address, SUPERUSER, PASSWORD)
    }

    fn url_at(&self, host: IpAddr, role: &str, password: &str) -> String {
        let authority = SocketAddr::new(host, self.cluster.port);
        format!("postgres://{role}:{password}@{authority}/{}", self.name)
    }

    /// Runs SQL as the superuser; the output without headers.
    ///
    /// # Errors
    /// What `psql` says.
    pub fn sql(&self, sql: &str) -> anyhow::Result<String> {
        self.cluster.sql(&self.name, sql)
    }

    /// Kills the server of every database of this process, until the value is dropped: then it
    /// starts again on the same port, and recovers.
    ///
    /// # Errors
    /// What `pg_ctl` says.
    pub fn outage(&self) -> anyhow::Result<Outage> {
        self.cluster.kill()?;
        Ok(Outage { cluster: self.cluster })
    }

    /// A session of the superuser that stays open between statements.
    ///
    /// # Errors
    /// If `psql` cannot be started.
    pub fn session(&self) -> anyhow::Result<Session> {
        Session::start(self.cluster.psql(&self.name))
    }

    /// Creates a role that may log in, with [`PASSWORD`] and no rights. Roles belong to the whole
    /// cluster, so the name is made of `stem` and the database's own name, and given back.
    ///
    /// # Errors
    /// What `psql` says.
    pub fn role(&self, stem: &str) -> anyhow::Result<String> {
        let role = format!("{stem}_{}", self.name);
        self.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"))?;
        Ok(role)
    }
}

/// A command that runs as whom a server may run as, owns `folder`, and has the server's programs on
/// its `PATH`.
///
/// # Errors
/// If Postgres is not installed, with what to install.
pub fn command(program: &Path, folder: &Path) -> anyhow::Result<Command> {
    let user = Unprivileged::find()?;
    user.own(folder)?;
    let mut command = user.command(program);
    command.env("PATH", bin_dir()?);
    Ok(command)
}

impl Drop for Database {
    fn drop(&mut self) {
        // Fails only if the server is gone already, and the database with it.
        self.cluster.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name)).ok();
        // Where it had a place of its own.
        self.cluster.sql("postgres", &format!("DROP TABLESPACE IF EXISTS {}", self.name)).ok();
    }
}

/// A time without a server, see [`Database::outage`].
#[derive(Debug)]
pub struct Outage {
    cluster: &'static Cluster,
}

impl Drop for Outage {
    fn drop(&mut self) {
        self.cluster.start_again().expect("the server starts on the port that it had");
    }
}

#[derive(Debug)]
struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
    user: Unprivileged,
    /// Ends the server when its standard input closes, which it does when this process ends.
    _watchdog: Child,
}

fn cluster() -> anyhow::Result<&'static Cluster> {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    CLUSTER
        .get_or_init(|| Cluster::start().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|error| anyhow::anyhow!("no Postgres for this test: {error}"))
}

impl Cluster {
    fn start() -> anyhow::Result<Self> {
        let bin = bin_dir()?;
        let user = Unprivileged::find()?;
        let folder = tempfile::Builder::new().prefix("plumbline-pg-").tempdir()?.keep();
        user.own(&folder)?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
        let watchdog = user.watchdog(&bin, &folder)?;
        let password = folder.join("password");
        std::fs::write(&password, PASSWORD)?;
        user.own(&password)?;
        run(user
            .command(&bin.join("initdb"))
            .args(["-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
            .args(["--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(folder.join("data")))?;
        if ALSO.get().is_some() {
            // initdb lets in nobody but loopback.
            let hba = folder.join("data/pg_hba.conf");
            let mut file = std::fs::OpenOptions::new().append(true).open(&hba)?;
            writeln!(file, "host all all all scram-sha-256")?;
        }
        // Another process may take the port between our asking for it and the server's taking it.
        let mut last = None;
        for _ in 0..5 {
            let port = free_port();
            match user.serve(&bin, &folder, port) {
                Ok(()) => return Ok(Self { bin, folder, port, user, _watchdog: watchdog }),
                Err(error) => last = Some(error),
            }
        }
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        Err(last.unwrap_or_else(|| anyhow::anyhow!("not started"))).context(log)
    }

    fn kill(&self) -> anyhow::Result<()> {
        let mut stop = self.user.command(&self.bin.join("pg_ctl"));
        stop.arg("-D").arg(self.folder.join("data"));
        run(stop.args(["-m", "immediate", "-w", "stop"])).map(drop)
    }

    fn start_again(&self) -> anyhow::Result<()> {
        self.user.serve(&self.bin, &self.folder, self.port)
    }

    fn sql(&self, database: &str, sql: &str) -> anyhow::Result<String> {
        run(self.psql(database).args(["-c", sql]))
    }

    fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", SUPERUSER])
            .args(["-p", &self.port.to_string(), "-d", database, "-h"])
            .arg(&self.folder);
        psql
    }
}

/// The newest installed Postgres, 15 or later.
fn bin_dir() -> anyhow::Result<PathBuf> {
    let missing = "expected PostgreSQL 15 or later in /usr/lib/postgresql; on Debian: \
                   apt-get install postgresql";
    let versions = std::fs::read_dir("/usr/lib/postgresql").context(missing)?;
    versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            (version >= 15 && bin.join("initdb").exists()).then_some((version, bin))
        })
        .max()
        .map(|(_, bin)| bin)
        .context(missing)
}

/// Whom the server runs as. Postgres refuses to run as root; anybody else runs it as himself.
#[derive(Debug, Clone, Copy)]
struct Unprivileged(Option<(u32, u32)>);

impl Unprivileged {
    fn find() -> anyhow::Result<Self> {
        if std::fs::metadata("/proc/self")?.uid() != 0 {
            return Ok(Self(None));
        }
        let accounts = std::fs::read_to_string("/etc/passwd")?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| {
                let line = accounts.lines().find(|line| line.split(':').next() == Some(*name))?;
                let mut ids = line.split(':').skip(2).map(str::parse);
                Some(Self(Some((ids.next()?.ok()?, ids.next()?.ok()?))))
            })
            .context("expected an account `postgres` or `nobody`: Postgres does not run as root")
    }

    fn own(self, path: &Path) -> io::Result<()> {
        match self.0 {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env("LC_ALL", "C.UTF-8");
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }

    fn serve(self, bin: &Path, folder: &Path, port: u16) -> anyhow::Result<()> {
        let also = ALSO.get().map(|address| format!(",{address}")).unwrap_or_default();
        // Nothing here outlives its test, so nothing need reach the disk.
        let lasting = match DURABLE.get() {
            Some(()) => "",
            None => "-c fsync=off -c synchronous_commit=off -c full_page_writes=off",
        };
        let settings = [
            format!("-p {port}"),
            format!("-c listen_addresses=127.0.0.1{also}"),
            format!("-c unix_socket_directories={}", folder.display()),
            lasting.to_owned(),
            "-c max_connections=400 -c shared_buffers=32MB".to_owned(),
        ];
        run(self
            .command(&bin.join("pg_ctl"))
            .arg("-D")
            .arg(folder.join("data"))
            .arg("-l")
            .arg(folder.join("log"))
            .args(["-w", "-t", "60", "-o", &settings.join(" "), "start"]))
        .map(drop)
    }

    /// Waits for the end of this process, then stops the server and removes its folder.
    fn watchdog(self, bin: &Path, folder: &Path) -> io::Result<Child> {
        let script = "cat >/dev/null; \"$1\" -D \"$2/data\" -m immediate stop; rm -rf \"$2\"";
        self.command(Path::new("/bin/sh"))
            .args(["-c", script, "sh"])
            .arg(bin.join("pg_ctl"))
            .arg(folder)
            // Its own group: a terminal's interrupt is for this process, and is waited out here.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    }
}

/// Runs a command to its end; its output, or what it complains about.
fn run(command: &mut Command) -> anyhow::Result<String> {
    // The server inherits what `pg_ctl` is given, so pipes would never close: files instead.
    let mut output = tempfile::tempfile()?;
    let mut errors = tempfile::tempfile()?;
    let status = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(errors.try_clone()?)
        .status()
        .with_context(|| format!("{:?} cannot be started", command.get_program()))?;
    let read = |file: &mut std::fs::File| -> io::Result<String> {
        use std::io::{Read as _, Seek as _};
        file.rewind()?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(text)
    };
    if !status.success() {
        bail!("{:?}: {status}: {}", command.get_program(), read(&mut errors)?.trim());
    }
    Ok(read(&mut output)?.trim().to_owned())
}
