//! Servers with what they listen on and what they inherit.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use model::evidence::Reach;

use super::parse::Directive;
use super::upstream::Hop;
use crate::gateway_config_guardrails::values::{self, Bound, bound};

/// The directives of one block, also by their names.
pub struct Level<'a> {
    all: &'a [Directive],
    named: HashMap<&'a str, Vec<&'a Directive>>,
}

impl<'a> Level<'a> {
    fn of(all: &'a [Directive]) -> Rc<Self> {
        let mut named: HashMap<_, Vec<_>> = HashMap::new();
        for directive in all {
            named.entry(directive.name.as_str()).or_default().push(directive);
        }
        Rc::new(Self { all, named })
    }
}

/// Blocks, the outermost first.
pub type Levels<'a> = [Rc<Level<'a>>];

/// Every server and upstream of a configuration.
pub struct Front<'a> {
    /// The servers, in the order of the files.
    pub servers: Vec<Server<'a>>,
    /// The server that is asked first on an address.
    first: HashMap<&'a str, usize>,
    /// Where the servers of each named upstream are. Each module has names of its own.
    upstreams: BTreeMap<(Option<Module>, &'a str), Hop>,
}

/// The part of nginx that a server belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Module {
    /// Requests.
    Http,
    /// Bytes.
    Stream,
    /// Mail: IMAP, POP3 and SMTP.
    Mail,
}

/// A server.
pub struct Server<'a> {
    /// Its `server` directive.
    pub directive: &'a Directive,
    /// What it inherits from, the outermost first; its own directives last.
    pub levels: Vec<Rc<Level<'a>>>,
    /// What it serves.
    pub module: Module,
    /// Whether the `http`, `stream` or `mail` block around it is in evidence.
    pub whole: bool,
    /// What it listens on.
    pub listens: Vec<Listen<'a>>,
    old_versions: OnceCell<Vec<&'static str>>,
}

/// One `listen`, or the port that a server without any has.
pub struct Listen<'a> {
    /// The directive; that of the server where there is none.
    pub directive: &'a Directive,
    /// Its address as it is written.
    pub address: &'a str,
    /// A socket of this machine's file system.
    pub is_unix: bool,
    /// With the word `ssl`, or `quic`, which is always encrypted.
    pub is_tls: bool,
    /// The first server asked on this address, whatever name the client gives.
    pub is_default: bool,
    /// With the word `proxy_protocol`.
    pub takes_proxy_header: bool,
}

impl<'a> Front<'a> {
    /// Finds the servers in directives.
    pub fn of(tree: &'a [Directive]) -> Self {
        let (servers, upstreams) = (Vec::new(), BTreeMap::new());
        let mut front = Self { servers, first: HashMap::new(), upstreams };
        front.level(&[Level::of(tree)], None);
        for default in [true, false] {
            for (index, server) in front.servers.iter().enumerate() {
                for listen in server.listens.iter().filter(|one| one.is_default || !default) {
                    front.first.entry(listen.address).or_insert(index);
                }
            }
        }
        front
    }

    fn level(&mut self, levels: &Levels<'a>, module: Option<Module>) {
        for directive in levels.last().map_or(&[][..], |level| level.all) {
            let Some(block) = directive.block.as_deref() else { continue };
            let name = directive.name.as_str();
            if !matches!(name, "http" | "stream" | "mail" | "upstream" | "server") {
                continue;
            }
            let mut inner = levels.to_vec();
            inner.push(Level::of(block));
            match name {
                "http" => self.level(&inner, Some(Module::Http)),
                "stream" => self.level(&inner, Some(Module::Stream)),
                "mail" => self.level(&inner, Some(Module::Mail)),
                "upstream" => {
                    let servers = block.iter().filter(|one| one.name == "server");
                    let hop = Hop::worst(servers.map(|one| one.arg(0)));
                    self.upstreams.insert((module, directive.arg(0)), hop);
                }
                "server" => {
                    let server = Server {
                        directive,
                        listens: listens(directive, block, module.unwrap_or(Module::Http)),
                        module: module.unwrap_or_else(|| told(block)),
                        whole: module.is_some(),
                        levels: inner,
                        old_versions: OnceCell::new(),
                    };
                    self.servers.push(server);
                }
                _ => {}
            }
        }
    }

    /// Where the upstream of that name leads which a server may hand on to.
    pub fn upstream(&self, server: &Server<'_>, name: &str) -> Option<Hop> {
        let module = server.whole.then_some(server.module);
        self.upstreams.get(&(module, name)).copied()
    }

    /// The server whose TLS settings hold on an address.
    pub fn default_on(&self, address: &str) -> Option<&Server<'a>> {
        self.first.get(address).and_then(|index| self.servers.get(*index))
    }
}

/// What a server is of whose surroundings are not in evidence.
fn told(block: &[Directive]) -> Module {
    let has = |names: &[&str]| block.iter().any(|one| names.contains(&one.name.as_str()));
    if has(&["starttls", "protocol", "auth_http", "smtp_auth"]) {
        Module::Mail
    } else if has(&["proxy_pass"]) {
        Module::Stream
    } else {
        Module::Http
    }
}

fn listens<'a>(server: &'a Directive, block: &'a [Directive], module: Module) -> Vec<Listen<'a>> {
    let mut listens: Vec<_> = block
        .iter()
        .filter(|one| one.name == "listen")
        .map(|directive| {
            let has = |word: &str| directive.args.iter().skip(1).any(|arg| arg == word);
            Listen {
                directive,
                address: directive.arg(0),
                is_unix: directive.arg(0).starts_with("unix:"),
                is_tls: has("ssl") || has("quic"),
                is_default: has("default_server") || has("default"),
                takes_proxy_header: has("proxy_protocol"),
            }
        })
        .collect();
    // Until 1.25 the word could stand on a line of its own, for every address.
    if block.iter().any(|one| one.name == "ssl" && one.arg(0) == "on") {
        listens.iter_mut().for_each(|one| one.is_tls = true);
    }
    if listens.is_empty() && module == Module::Http {
        listens.push(Listen {
            directive: server,
            address: "80",
            is_unix: false,
            is_tls: false,
            is_default: false,
            takes_proxy_header: false,
        });
    }
    listens
}

impl<'a> Server<'a> {
    /// Everything of one name that holds in the server itself.
    pub fn find(&self, name: &str) -> &[&'a Directive] {
        lookup(&self.levels, name)
    }

    /// Versions before TLS 1.2 that its `ssl_protocols` allow, in order. It is asked for every
    /// address that leads here.
    pub fn old_versions(&self) -> &[&'static str] {
        self.old_versions.get_or_init(|| {
            // A repeated line adds to the first.
            let words = self.find("ssl_protocols").iter().flat_map(|one| &one.args);
            let mut old: Vec<_> = words
                .filter_map(|word| values::tls_version(word))
                .filter(|version| matches!(*version, "ssl" | "1.0" | "1.1"))
                .collect();
            old.sort_unstable();
            old.dedup();
            old
        })
    }

    /// From where the server can be reached.
    pub fn reach(&self) -> Reach {
        let local = |one: &Listen<'_>| one.reach() == Reach::Loopback;
        if self.listens.iter().all(local) { Reach::Loopback } else { Reach::Network }
    }

    /// Every directive in the server, with what it inherits from.
    pub fn visit(&self, take: &mut impl FnMut(&Levels<'_>, &Directive)) {
        visit(&self.levels, take);
    }

    /// Whether any directive in the server holds a text among its arguments.
    pub fn mentions(&self, text: &str) -> bool {
        let mut found = false;
        self.visit(&mut |_, one| found |= one.args.iter().any(|arg| arg.contains(text)));
        found
    }
}

impl Listen<'_> {
    /// What it is bound to.
    pub fn bound(&self) -> Bound {
        if self.is_unix { Bound::Loopback } else { bound(self.address) }
    }

    /// From where it can be reached.
    pub fn reach(&self) -> Reach {
        self.bound().reach()
    }

    /// How evidence names it: its port, where it has one.
    pub fn name(&self) -> String {
        let port = self.address.rsplit(':').next().unwrap_or("");
        match port.parse::<u16>() {
            Ok(port) => format!("port {port}"),
            Err(_) if self.is_unix => "a Unix socket".to_owned(),
            Err(_) => "port 80".to_owned(),
        }
    }
}

/// Everything of one name at the innermost level that has it.
pub fn lookup<'l, 'a>(levels: &'l Levels<'a>, name: &str) -> &'l [&'a Directive] {
    levels.iter().rev().find_map(|level| level.named.get(name)).map_or(&[], Vec::as_slice)
}

/// What many servers inherit is the same for all of them, and is looked at once for each reach.
#[derive(Default)]
pub struct Once(BTreeSet<(usize, Reach)>);

impl Once {
    /// True if there are such directives, and they were not looked at with this reach.
    pub fn is_new(&mut self, found: &[&Directive], reach: Reach) -> bool {
        !found.is_empty() && self.0.insert((found.as_ptr().addr(), reach))
    }
}

fn visit(levels: &Levels<'_>, take: &mut impl FnMut(&Levels<'_>, &Directive)) {
    for directive in levels.last().map_or(&[][..], |level| level.all) {
        take(levels, directive);
        if let Some(block) = directive.block.as_deref() {
            let mut inner = levels.to_vec();
            inner.push(Level::of(block));
            visit(&inner, take);
        }
    }
}
