--- Resetting: clients that leave with a reset (RST) instead of an orderly end. In Perl, since
-- neither our sockets nor a shell's do that.

local process = require "spec.support.process"

local script = [[
  use Socket;
  local $SIG{PIPE} = "IGNORE";
  my ($host, $port) = $ARGV[0] =~ m{^tcp://([\d.]+):(\d+)$} or die "no address";
  while (my $line = <STDIN>) {
    my ($hex, $reads) = $line =~ /^([0-9a-f]*) (\d+)$/ or die "bad step";
    alarm 20;
    socket(my $s, PF_INET, SOCK_STREAM, 0) or die $!;
    connect($s, sockaddr_in($port, inet_aton($host))) or die $!;
    syswrite($s, pack("H*", $hex)) if $hex;
    while ($reads > 0) {
      my $count = sysread($s, my $bytes, $reads) or last;
      $reads -= $count;
    }
    setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)) or die $!;
    close($s);
  }
]]

local function step_line(step)
  local hex = step[1]:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
  return ("%s %d\n"):format(hex, step[2] or 0)
end

--- Clients, one after the other, that leave with a reset: each sends the bytes of its step, reads
-- so many of the answer, and is gone. steps: { { bytes, reads }, ... }
return function(address, steps)
  local lines = {}
  for i, step in ipairs(steps) do lines[i] = step_line(step) end
  local result = process.run {
    program = "perl", "-e", script, address, input = table.concat(lines), seconds = 60,
  }
  assert(result.status == 0, result.stderr)
end
