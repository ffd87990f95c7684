# Run in a clean Debian where the packages are installed: an example answers, and ends in order.
set -eu
cd "$(mktemp -d)"
rille --version
rille /usr/share/doc/rille/examples/hello.lua 0 >server.out 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  grep -q 127.0.0.1 server.out && break
  sleep 0.1
done
cat server.out
cat >client.lua <<'END'
local net = require "rille.net"
local conn = assert(net.connect("tcp://127.0.0.1:" .. arg[1], { timeout = 10 }))
conn:write "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
print(conn:read "all")
END
rille client.lua "$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' server.out | head -n 1)" >answer
cat answer
grep -q '^HTTP/1.1 200 OK' answer
kill -TERM $server
wait $server
rm -r "$PWD"
