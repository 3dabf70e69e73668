# As manager_call.py, which takes its place where there is no Perl: six times as quick, and every look at a node starts
# it anew. Arguments: node root, tool, working directory, then the tool's own.
my ($root, $tool, $folder, @arguments) = @ARGV;
my ($AF_UNIX, $SOCK_STREAM, $SHUT_WR) = (1, 1, 1);
my $manager;
unless (socket($manager, $AF_UNIX, $SOCK_STREAM, 0)
    && chdir("$root/.practice")    # socket addresses are short
    && connect($manager, pack("Sa*", $AF_UNIX, "systemd"))) {
    print STDERR "Failed to connect to bus: $!\n";
    exit 1;
}
syswrite($manager, join("\0", $tool, $folder, @arguments));
shutdown($manager, $SHUT_WR);
local $/;
my ($status, $err, $out) = split(/\0/, <$manager>, 3);
print STDERR $err;
print $out;
exit(length($status) ? $status : 1);
