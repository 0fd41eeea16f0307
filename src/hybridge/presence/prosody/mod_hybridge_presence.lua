-- Shows the presence that a hybridge gateway decided, as if each person had one more client online.
--
-- One trusted external component (XEP-0114) sends batches as IQ stanzas to the host. For every person in a busy state
-- the module keeps a virtual session of the resource "calendar" (priority -1, so it never receives messages): the
-- server itself then broadcasts its presence to the roster, answers probes and tells contacts that log in later. The
-- person's activity (XEP-0108) is published by PEP beside it. Everything has a time to live: when the gateway is
-- silent for longer, the session ends and the activity is withdrawn. Sessions of real clients are never touched.
--
--   <iq type='set' from='cal.corp.test' to='corp.test' id='1'>
--     <publish xmlns='urn:hybridge:presence:1'>
--       <person jid='alice@corp.test' fence='7' ttl='900' show='dnd' activity='working/in_a_meeting'>In a meeting</person>
--       <person jid='bob@corp.test' fence='7'/>                                  (shows nothing any more)
--     </publish>
--   </iq>
--
-- is answered by <published start=... ttl=...> with one <person result=...> for each, in the same order: done, stranger
-- (no such person here), elsewhere (not this host), older (a newer gateway has spoken), malformed or failed. An empty
-- <publish/> asks for start and ttl only.
--
-- Options of the VirtualHost: hybridge_presence_component (the component's name, required), hybridge_presence_ttl
-- (seconds, the longest a state may live: 900), hybridge_presence_resource ("calendar").

local st = require "util.stanza";
local jid = require "util.jid";
local cache = require "util.cache";
local monotonic = require "util.time".monotonic;
local sessionmanager = require "core.sessionmanager";
local usermanager = require "core.usermanager";

local NAMESPACE = "urn:hybridge:presence:1";
local ACTIVITY = "http://jabber.org/protocol/activity";
local PUBSUB = "http://jabber.org/protocol/pubsub";
local ITEM = "hybridge-calendar";
local SHOWS = { dnd = true, xa = true, away = true, chat = true, online = true };
local FENCED_USERS = 200000; -- people whose last fence is remembered

local host = module.host;
local trusted = module:get_option_string("hybridge_presence_component");
local longest = module:get_option_number("hybridge_presence_ttl", 900);
local wanted_resource = module:get_option_string("hybridge_presence_resource", "calendar");
local started = require "util.id".medium();
local pep = module:depends("pep");

local virtual = {}; -- user name -> session of ours
local due = {}; -- second of the monotonic clock -> set of user names to look at then
local fences = cache.new(FENCED_USERS);
local looked_at = math.floor(monotonic());
local unloading = false;

if not trusted then
	module:log("error", "hybridge_presence_component is not set, so nobody may publish presence on %s", host);
end

-- Activity by PEP ------------------------------------------------------------------------------------------------

local function activity_item(activity)
	local item = st.stanza("item", { xmlns = PUBSUB, id = ITEM }):tag("activity", { xmlns = ACTIVITY });
	local general, specific = (activity or ""):match("^([a-z_]+)/?([a-z_]*)$");
	if general then
		item:tag(general);
		if specific ~= "" then item:tag(specific):up(); end
		item:up();
	end
	return item:up();
end

local function is_of_the_person(id, item)
	if not id or id == ITEM then return false; end
	local activity = item and item:get_child("activity", ACTIVITY);
	return activity and #activity.tags > 0;
end

-- The item is kept in memory, not in the server's storage: what survives a restart of the server would be stale.
-- An activity that the person's own client published is left alone.
local function publish_activity(username, activity)
	local service = pep.get_pep_service(username);
	local _, id, last = service:get_last_item(ACTIVITY, true);
	if is_of_the_person(id, last) then return; end
	if not service.nodes[ACTIVITY] then
		local created = service:create(ACTIVITY, true, { max_items = 1, persist_items = true, access_model = "presence" });
		if not created then return; end
	end
	if id ~= ITEM then service.data[ACTIVITY] = cache.new(1); end
	service:publish(ACTIVITY, true, ITEM, activity_item(activity));
end

-- Virtual sessions -----------------------------------------------------------------------------------------------

local function quiet(level, ...)
	module:log(level == "info" and "debug" or level, ...);
end

-- What the server hands to the session of a client that is not there: questions are answered, messages go elsewhere.
local function swallow(stanza)
	if type(stanza) ~= "table" or not stanza.attr then return true; end
	if stanza.name == "iq" and (stanza.attr.type == "get" or stanza.attr.type == "set") then
		module:send(st.error_reply(stanza, "cancel", "service-unavailable"));
	elseif stanza.name == "message" and stanza.attr.type ~= "headline" and stanza.attr.type ~= "error" then
		return false; -- as if this resource were not there
	end
	return true;
end

local function forget(session)
	if session.username and virtual[session.username] == session then virtual[session.username] = nil; end
end

local function end_session(session)
	forget(session);
	if not session.destroyed then sessionmanager.destroy_session(session); end
end

local function free_resource(username)
	local user = prosody.bare_sessions[username .. "@" .. host];
	local taken = user and user.sessions[wanted_resource];
	return taken and (wanted_resource .. "-hybridge") or wanted_resource;
end

local show_again; -- defined below: needs presence

local function begin_session(username)
	local session = {
		type = "c2s_unauthed", host = host, ip = "127.0.0.1", secure = true, log = quiet, hybridge = true;
		send = swallow, rawsend = function () return true; end, data = function () end;
		dispatch_stanza = function () end, reset_stream = function () end;
	};
	function session.close(self)
		-- Somebody's real client wants this resource: it gets it, and ours moves.
		local name, state = self.username, self.hybridge_state;
		end_session(self);
		if not unloading then module:add_timer(0.1, function () show_again(name, state); end); end
	end
	local ok, why = sessionmanager.make_authenticated(session, username);
	if not ok then return nil, why; end
	local bound, _, condition = sessionmanager.bind_resource(session, free_resource(username));
	if not bound then return nil, condition; end
	virtual[session.username] = session;
	return session;
end

-- Time to live ---------------------------------------------------------------------------------------------------

local function lives(session, seconds)
	session.hybridge_until = monotonic() + seconds;
	local second = math.floor(session.hybridge_until) + 1;
	due[second] = due[second] or {};
	due[second][session.username] = true;
end

local function withdraw(username)
	local session = virtual[username];
	if not session then return; end
	local had_activity = session.hybridge_state and session.hybridge_state.activity;
	end_session(session);
	if had_activity then publish_activity(username, nil); end
end

module:add_timer(1, function ()
	local now = monotonic();
	for second = looked_at + 1, math.floor(now) do
		for username in pairs(due[second] or {}) do
			local session = virtual[username];
			if session and session.hybridge_until <= now then withdraw(username); end
		end
		due[second] = nil;
		looked_at = second;
	end
	return 1;
end);

-- Publishing -----------------------------------------------------------------------------------------------------

local function presence(session, state)
	local stanza = st.presence({ from = session.full_jid });
	if state.show and state.show ~= "online" then stanza:tag("show"):text(state.show):up(); end
	if state.text ~= "" then stanza:tag("status"):text(state.text):up(); end
	stanza:tag("priority"):text("-1"):up();
	prosody.core_post_stanza(session, stanza);
end

local function same(one, other)
	return one and one.show == other.show and one.text == other.text and one.activity == other.activity;
end

local function show(username, state)
	local session = virtual[username];
	if not session or session.destroyed then
		local why;
		session, why = begin_session(username);
		if not session then
			module:log("warn", "No virtual session for %s: %s", username, why or "unknown");
			return "failed";
		end
	end
	lives(session, state.ttl);
	local before = session.hybridge_state;
	if same(before, state) then return "done"; end
	session.hybridge_state = state;
	presence(session, state);
	if state.activity or (before and before.activity) then publish_activity(username, state.activity); end
	return "done";
end

function show_again(username, state)
	if state and not virtual[username] then show(username, state); end
end

local function one_person(person)
	local username, its_host = jid.prepped_split(person.attr.jid);
	if not username then return "malformed"; end
	if its_host ~= host then return "elsewhere"; end
	if not virtual[username] and not usermanager.user_exists(username, host) then return "stranger"; end
	local fence = tonumber(person.attr.fence or 0);
	if not fence then return "malformed"; end
	if fence < (fences:get(username) or 0) then return "older"; end
	local wants = person.attr.show;
	if wants and not SHOWS[wants] then return "malformed"; end
	fences:set(username, fence);
	if not wants then
		withdraw(username);
		return "done";
	end
	local ttl = math.max(1, math.min(tonumber(person.attr.ttl) or longest, longest));
	return show(username, { show = wants, activity = person.attr.activity, text = person:get_text() or "", ttl = ttl });
end

module:hook("iq-set/host/" .. NAMESPACE .. ":publish", function (event)
	local origin, stanza = event.origin, event.stanza;
	if origin.type ~= "component" or not trusted or stanza.attr.from ~= trusted then
		module:log("warn", "%s is not trusted to publish presence on %s", stanza.attr.from or "?", host);
		origin.send(st.error_reply(stanza, "auth", "forbidden", "Only " .. (trusted or "nobody") .. " may publish presence here"));
		return true;
	end
	local reply = st.reply(stanza):tag("published", { xmlns = NAMESPACE, start = started, ttl = tostring(longest) });
	for person in stanza.tags[1]:childtags("person", NAMESPACE) do
		local ok, result = pcall(one_person, person);
		if not ok then
			module:log("error", "Presence of %s could not be shown: %s", person.attr.jid or "?", result);
			result = "failed";
		end
		reply:tag("person", { result = result }):up();
	end
	origin.send(reply);
	return true;
end);

module:hook_global("user-deleted", function (event)
	if event.host == host then withdraw(event.username); end
end);

local function withdraw_all()
	unloading = true;
	local usernames = {};
	for username in pairs(virtual) do usernames[#usernames + 1] = username; end
	for _, username in ipairs(usernames) do withdraw(username); end
end
module.unload = withdraw_all;
module:hook_global("server-stopping", withdraw_all);
