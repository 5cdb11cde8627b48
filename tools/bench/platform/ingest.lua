-- SPDX-License-Identifier: GPL-3.0-or-later
-- wrk's side of the ingest bench: sends the requests of the file named by REQUESTS, each once, in its order.
-- The file: for each request its length as 8 digits, then its bytes.

local requests, at = {}, 0
local file = assert(io.open(os.getenv("REQUESTS"), "rb"))
while true do
	local length = file:read(8)
	if not length then
		break
	end
	requests[#requests + 1] = file:read(tonumber(length))
end
file:close()

function request()
	at = at % #requests + 1
	return requests[at]
end

function done(summary, latency)
	local errors = summary.errors
	io.write(
		string.format(
			'result {"requests":%d,"seconds":%.3f,"errors":%d,"p50_ms":%.3f,"p99_ms":%.3f}\n',
			summary.requests,
			summary.duration / 1e6,
			errors.connect + errors.read + errors.write + errors.status + errors.timeout,
			latency:percentile(50) / 1e3,
			latency:percentile(99) / 1e3
		)
	)
end
