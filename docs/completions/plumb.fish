# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_plumb_global_optspecs
    string join \n store= color= q/quiet progress= h/help V/version
end

function __fish_plumb_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_plumb_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_plumb_using_subcommand
    set -l cmd (__fish_plumb_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c plumb -n "__fish_plumb_needs_command" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_needs_command" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_needs_command" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_needs_command" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_needs_command" -s V -l version -d 'Print version'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "run" -d 'Audit targets: probe, judge, store, compare, report'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "probe" -d 'Run one check and print its evidence as JSON'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "collect" -d 'Collect what an operator\'s run asks for; probe Jobs run this'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "assess" -d 'Judge evidence files offline and print the assessment as JSON'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "diff" -d 'Compare two stored runs'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "report" -d 'Render a stored run again'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "alerts" -d 'Show critical regressions and expiring certificates of the last runs'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "runs" -d 'List and show stored runs, and choose baselines'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "rules" -d 'List, show, test and check rules'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "schema" -d 'Print the JSON Schemas of documents, evidence and records'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "targets" -d 'Check target files'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "demo" -d 'Tell the whole reference story on this machine: audit, harden, audit again'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "verify" -d 'Prove a run or a report: digests, schemas, and the judgement computed again'
complete -c plumb -n "__fish_plumb_needs_command" -f -a "completions" -d 'Print completions for a shell, or the man page'
complete -c plumb -n "__fish_plumb_using_subcommand run" -s f -l file -d 'File with AuditTarget and AuditException documents; `-` is standard input' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand run" -l bundle -d 'The bundle to run: audit-baseline, hardening-verification or certificate-hygiene' -r
complete -c plumb -n "__fish_plumb_using_subcommand run" -l check -d 'A check to run; may be given several times' -r
complete -c plumb -n "__fish_plumb_using_subcommand run" -l mode -d 'The stage: audit sets a baseline, sprint reruns it after fixes, retainer keeps watching' -r
complete -c plumb -n "__fish_plumb_using_subcommand run" -l rules -d 'Folder with a rule pack; may be given several times' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand run" -l baseline -d 'What to compare with: `last` is the baseline of the target, else its last run' -r
complete -c plumb -n "__fish_plumb_using_subcommand run" -l fail-on -d 'The gate: fail on an open finding of this severity or worse, or on a regression' -r -f -a "critical\t'An open critical finding'
high\t'An open high or critical finding'
medium\t'An open medium, high or critical finding: the line that PASS draws'
low\t'Any open finding but info'
regression\t'A control that went from pass to fail'
never\t'Nothing'"
complete -c plumb -n "__fish_plumb_using_subcommand run" -s o -l output -d 'Write a report; FORMAT is html, md, json, csv or sarif; may be given several times' -r
complete -c plumb -n "__fish_plumb_using_subcommand run" -l next-run -d 'When the next run is due, as RFC 3339: certificates that end before it raise an alert' -r
complete -c plumb -n "__fish_plumb_using_subcommand run" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand run" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand run" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand run" -l dry-run -d 'Say what would be contacted, and contact nothing'
complete -c plumb -n "__fish_plumb_using_subcommand run" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand probe" -s f -l file -d 'File with one AuditTarget' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand probe" -l endpoint -d 'Address instead of a file: mqtts://HOST:PORT, mqtt://, https://HOST:PORT/PATH, http://, wss://, tls://' -r
complete -c plumb -n "__fish_plumb_using_subcommand probe" -l ca -d 'PEM file with trust anchors' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand probe" -l out -d 'Write to a file instead of stdout' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand probe" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand probe" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand probe" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand probe" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand probe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand collect" -l ingest-url -d 'Address of the operator\'s ingest' -r
complete -c plumb -n "__fish_plumb_using_subcommand collect" -l ingest-ca -d 'Trust anchors of the ingest, as PEM text' -r
complete -c plumb -n "__fish_plumb_using_subcommand collect" -l token-file -d 'File with the pod\'s token for the ingest' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand collect" -l mounts -d 'Folder with the mounted Secrets and ConfigMaps: secrets/NAME/KEY, configmaps/NAME/KEY' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand collect" -l deadline-seconds -d 'Seconds until undelivered evidence is given up' -r
complete -c plumb -n "__fish_plumb_using_subcommand collect" -l last-words -d 'Where the last words go' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand collect" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand collect" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand collect" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand collect" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand collect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand assess" -s f -l file -d 'File with the AuditTarget and AuditException documents that the evidence belongs to' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand assess" -l rules -d 'Folder with a rule pack; may be given several times' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand assess" -l at -d 'The time to judge at, as RFC 3339 [default: when the evidence was collected]' -r
complete -c plumb -n "__fish_plumb_using_subcommand assess" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand assess" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand assess" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand assess" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand assess" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand diff" -l target -d 'The target, where the store has several' -r
complete -c plumb -n "__fish_plumb_using_subcommand diff" -s o -l output -d 'Write a delta report; FORMAT is html, md or json' -r
complete -c plumb -n "__fish_plumb_using_subcommand diff" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand diff" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand diff" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand diff" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand report" -l target -d 'The target, where the store has several' -r
complete -c plumb -n "__fish_plumb_using_subcommand report" -s o -l output -d 'Write a report; FORMAT is html, md, json, csv or sarif; PATH `-` is stdout' -r
complete -c plumb -n "__fish_plumb_using_subcommand report" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand report" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand report" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand report" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand alerts" -l target -d 'Only this target' -r
complete -c plumb -n "__fish_plumb_using_subcommand alerts" -s o -l output -d 'Write an alerts report; FORMAT is html, md or json' -r
complete -c plumb -n "__fish_plumb_using_subcommand alerts" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand alerts" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand alerts" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand alerts" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand alerts" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and not __fish_seen_subcommand_from list show baseline prune" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and not __fish_seen_subcommand_from list show baseline prune" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand runs; and not __fish_seen_subcommand_from list show baseline prune" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand runs; and not __fish_seen_subcommand_from list show baseline prune" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and not __fish_seen_subcommand_from list show baseline prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and not __fish_seen_subcommand_from list show baseline prune" -f -a "list" -d 'List runs, the newest first'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and not __fish_seen_subcommand_from list show baseline prune" -f -a "show" -d 'Show the record of a run as JSON'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and not __fish_seen_subcommand_from list show baseline prune" -f -a "baseline" -d 'Make a run the baseline of its target'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and not __fish_seen_subcommand_from list show baseline prune" -f -a "prune" -d 'Remove runs that were kept long enough'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from list" -l target -d 'Only this target' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from list" -l limit -d 'At most so many' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from list" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from list" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from list" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from list" -l json -d 'As JSON'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from show" -l target -d 'The target, where the store has several' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from show" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from show" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from show" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from baseline" -l target -d 'The target, where the store has several' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from baseline" -l reason -d 'Why' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from baseline" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from baseline" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from baseline" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from baseline" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from baseline" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from prune" -l older-than -d 'Days that runs are kept' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from prune" -l keep -d 'Complete runs of each target that stay whatever their age' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from prune" -l target -d 'Only this target' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from prune" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from prune" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from prune" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from prune" -l dry-run -d 'Only say what would go'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from prune" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand runs; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and not __fish_seen_subcommand_from list show profiles test lint" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand rules; and not __fish_seen_subcommand_from list show profiles test lint" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and not __fish_seen_subcommand_from list show profiles test lint" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and not __fish_seen_subcommand_from list show profiles test lint" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and not __fish_seen_subcommand_from list show profiles test lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and not __fish_seen_subcommand_from list show profiles test lint" -f -a "list" -d 'List rules'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and not __fish_seen_subcommand_from list show profiles test lint" -f -a "show" -d 'Show one rule as its page'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and not __fish_seen_subcommand_from list show profiles test lint" -f -a "profiles" -d 'List the TLS profiles that targets may name, or show one as its page'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and not __fish_seen_subcommand_from list show profiles test lint" -f -a "test" -d 'Run the test vectors of a pack, or of the built-in one'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and not __fish_seen_subcommand_from list show profiles test lint" -f -a "lint" -d 'Check a pack without running it, or the built-in one'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from list" -l rules -d 'Folder with a rule pack, beside the built-in one; may be given several times' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from list" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from list" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from list" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from list" -l json -d 'As JSON'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from list" -l keys -d 'Keys alone, one per line'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from list" -l markdown -d 'As the index page of docs/rules'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from show" -l rules -d 'Folder with a rule pack, beside the built-in one; may be given several times' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from show" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from show" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from show" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from profiles" -l rules -d 'Folder with a rule pack, beside the built-in one; may be given several times' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from profiles" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from profiles" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from profiles" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from profiles" -l json -d 'As JSON, whole'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from profiles" -l keys -d 'Ids alone, one per line'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from profiles" -l markdown -d 'As the page of docs/rules that lists them'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from profiles" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from profiles" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from test" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from test" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from test" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from test" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from lint" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from lint" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from lint" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from lint" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand rules; and __fish_seen_subcommand_from lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand schema; and not __fish_seen_subcommand_from list show" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand schema; and not __fish_seen_subcommand_from list show" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand schema; and not __fish_seen_subcommand_from list show" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand schema; and not __fish_seen_subcommand_from list show" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand schema; and not __fish_seen_subcommand_from list show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand schema; and not __fish_seen_subcommand_from list show" -f -a "list" -d 'List the names'
complete -c plumb -n "__fish_plumb_using_subcommand schema; and not __fish_seen_subcommand_from list show" -f -a "show" -d 'Print one'
complete -c plumb -n "__fish_plumb_using_subcommand schema; and __fish_seen_subcommand_from list" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand schema; and __fish_seen_subcommand_from list" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand schema; and __fish_seen_subcommand_from list" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand schema; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand schema; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand schema; and __fish_seen_subcommand_from show" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand schema; and __fish_seen_subcommand_from show" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand schema; and __fish_seen_subcommand_from show" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand schema; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand schema; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand targets; and not __fish_seen_subcommand_from check" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand targets; and not __fish_seen_subcommand_from check" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand targets; and not __fish_seen_subcommand_from check" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand targets; and not __fish_seen_subcommand_from check" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand targets; and not __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand targets; and not __fish_seen_subcommand_from check" -f -a "check" -d 'Check documents and say what is wrong, with file, line and column'
complete -c plumb -n "__fish_plumb_using_subcommand targets; and __fish_seen_subcommand_from check" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand targets; and __fish_seen_subcommand_from check" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand targets; and __fish_seen_subcommand_from check" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand targets; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand targets; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand demo" -l dir -d 'Folder for the gateway\'s files, the store and the reports' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand demo" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand demo" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand demo" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand demo" -l force -d 'Use the folder although it is not empty'
complete -c plumb -n "__fish_plumb_using_subcommand demo" -l keep -d 'Keep the hardened gateway running until Ctrl-C'
complete -c plumb -n "__fish_plumb_using_subcommand demo" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand verify" -l target -d 'The target, where the store has several' -r
complete -c plumb -n "__fish_plumb_using_subcommand verify" -l rules -d 'Folder with a rule pack; may be given several times' -r -F
complete -c plumb -n "__fish_plumb_using_subcommand verify" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand verify" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand verify" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand verify" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c plumb -n "__fish_plumb_using_subcommand completions" -l store -d 'Where runs are kept: sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the user\'s data directory]' -r
complete -c plumb -n "__fish_plumb_using_subcommand completions" -l color -d 'Colour on terminals' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c plumb -n "__fish_plumb_using_subcommand completions" -l progress -d 'Progress on stderr [default: plain, with bars on a terminal]' -r -f -a "none\t'Not at all'
plain\t'A line per probe'
json\t'A JSON object per line'"
complete -c plumb -n "__fish_plumb_using_subcommand completions" -s q -l quiet -d 'Say nothing but what was asked for'
complete -c plumb -n "__fish_plumb_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
