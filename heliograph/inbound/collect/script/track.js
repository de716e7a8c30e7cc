// The script of a shop's pages: commands pushed to _rmData become events of the visitor (S3:L84-L167).
//
// Comes in: ['command', ...arguments], before this script is there or after. Goes out: a JSON array of events to
// /api/v1/stores/STORE/events/batch on the host that this script came from, as text/plain, so that browsers ask no
// permission first. Each event has an id: what is sent twice is recorded once. docs/how-to/web-tracking.md is for its
// users. Served without comments and indentation (script/serving.py): a comment has a line of its own.
(function (window, document) {
  'use strict';

  // one request: the server's limit, and less than the 64 KiB that browsers take along when a page goes
  const MOST_EVENTS = 50, MOST_BYTES = 60000;
  // one event; more than the server takes from a page would come back as an error
  const LARGEST = 120000;
  // events that wait in memory, those of nobody yet, and those that are kept for the next page; the oldest go first
  const MOST_WAITING = 200, MOST_UNNAMED = 50, MOST_KEPT = 100, KEPT_DAYS = 3;
  // milliseconds between tries: 1 s, doubled up to a minute, less up to a half so that pages do not come all at once
  const FIRST_WAIT = 1000, LONGEST_WAIT = 60000, MOST_TRIES = 10;

  const COOKIE = '_heliograph', COOKIE_SECONDS = 365 * 86400, KEPT = '_heliograph:';

  const own = document.currentScript || document.querySelector('script[src*="/webtracking/"]');
  const host = own ? own.src.replace(/\/webtracking\/.*/, '') : '';
  const queue = Array.isArray(window._rmData) ? window._rmData : (window._rmData = []);

  let store = '', visitor = null, consent = null, domain = '';
  let keeps = false, heedsSignals = false, debugs = false;
  // events of nobody yet, events to be sent, and those of the request that is on its way
  let unnamed = [], pending = [], sending = null;
  let tries = 0, timer = 0, leaving = false;

  const commands = {
    setStoreKey(id) {
      store = String(id);
      pending.concat(unnamed).forEach(function (event) { event.store = event.store || store; });
      soon();
    },

    // by address, or with what the shop knows of them (customers/create): makes the contact
    setCustomer(who) {
      const details = plain(typeof who === 'string' && who.charAt(0) !== '{' ? { email: who } : who);
      if (!details || !isAddress(details.email)) return say('no address', who);
      details.email = details.email.trim();
      identify({ email: details.email });
      // an address alone says the same all day: one contact, however many pages name it
      const alone = Object.keys(details).length === 1;
      const day = new Date().toISOString().slice(0, 10);
      const id = alone ? 'contact/' + day + '/' + details.email.toLowerCase().slice(0, 200) : undefined;
      add('customers/update', details, id);
    },

    // by the shop's own number: the contact must be there
    setCustomerId(id) {
      if ((typeof id === 'string' && id.trim()) || typeof id === 'number') identify({ customerId: String(id).trim() });
    },

    clearCustomer() {
      visitor = null;
      unnamed = [];
      remember();
    },

    track(type, data) {
      const copy = plain(data === undefined || data === null ? {} : data);
      if (typeof type !== 'string' || !copy) return say('not an event', type);
      if (names(copy)) return add(type, copy);
      if (visitor) return add(type, named(type, copy));
      if (!keeps || !allowed(type)) return say('nobody is identified', type);
      unnamed.push(made(type, copy));
      unnamed.splice(0, unnamed.length - MOST_UNNAMED);
    },

    productView(data) {
      commands.track('productView', data);
    },

    // true: the identity may be kept in a cookie, and unsent events until the next page. false: nothing is kept, and
    // nothing sent but what visitors ask for themselves. Before it is said: nothing is kept.
    setConsent(given) {
      consent = Boolean(given);
      remember();
    },

    respectPrivacySignals(yes) {
      heedsSignals = yes !== false;
      remember();
    },

    keepUntilIdentified(yes) {
      keeps = yes !== false;
      if (!keeps) unnamed = [];
    },

    setCookieDomain(name) {
      domain = String(name);
      remember();
    },

    debug(yes) {
      debugs = yes !== false;
    }
  };
  commands.setCustomerEmail = commands.setCustomer;

  function execute(command) {
    const name = command && command[0];
    if (!Object.prototype.hasOwnProperty.call(commands, name)) return say('unknown command', command);
    try {
      commands[name].apply(null, Array.prototype.slice.call(command, 1));
    } catch (error) {
      say(name + ' failed', error);
    }
  }

  // What the page said, as it is now: a copy, from an object or from JSON text. Null if it is neither.
  function plain(said) {
    try {
      const value = JSON.parse(typeof said === 'string' ? said : JSON.stringify(said));
      return value && typeof value === 'object' && !Array.isArray(value) ? value : null;
    } catch (error) {
      return null;
    }
  }

  function isAddress(text) {
    return typeof text === 'string' && /^[^\s@<>]+@[^\s@<>]+$/.test(text.trim());
  }

  // Whether an event itself says whose it is.
  function names(data) {
    const customer = data.customer || {};
    return Boolean(data.email || data.customerId || data.customer_id || data.sms_phone_number_e164 ||
      customer.email || customer.id);
  }

  function named(type, data) {
    if (visitor.email) data.email = visitor.email;
    else if (/^carts\//i.test(type)) data.customer = Object.assign({}, data.customer, { id: visitor.customerId });
    else if (/^customers\//i.test(type)) data.id = data.id || visitor.customerId;
    else data.customerId = visitor.customerId;
    return data;
  }

  function identify(who) {
    visitor = who;
    remember();
    const waited = unnamed;
    unnamed = [];
    waited.forEach(function (event) {
      event.data = named(event.type, event.data);
      if (allowed(event.type)) enqueue(event);
    });
  }

  // What visitors ask for themselves is sent whatever they said about being tracked.
  function allowed(type) {
    return /^newsletter\//i.test(type) || !(consent === false || refused());
  }

  function refused() {
    const navigator = window.navigator;
    return heedsSignals && (navigator.globalPrivacyControl === true || navigator.doNotTrack === '1');
  }

  function made(type, data, id) {
    return { store: store, type: type, id: id || newId(), data: data, at: Date.now() };
  }

  function newId() {
    if (window.crypto && crypto.randomUUID) return crypto.randomUUID();
    const bytes = Array.from(crypto.getRandomValues(new Uint8Array(16)));
    return bytes.map(function (byte) { return (byte + 256).toString(16).slice(1); }).join('');
  }

  function add(type, data, id) {
    if (!allowed(type)) return say('the visitor does not want it', type);
    enqueue(made(type, data, id));
  }

  function enqueue(event) {
    if (size(event) > LARGEST) return say('too large', event.type);
    pending.push(event);
    pending.splice(0, pending.length - MOST_WAITING).forEach(drop);
    keep(event);
    soon();
  }

  function soon() {
    if (!timer) timer = setTimeout(send, 0);
  }

  // The first events in line that fit into one request of one store.
  function taken() {
    const first = pending[0];
    let count = 0, bytes = 2;
    while (count < pending.length && count < MOST_EVENTS && pending[count].store === first.store) {
      bytes += size(pending[count]) + 1;
      if (count && bytes > MOST_BYTES) break;
      count += 1;
    }
    return pending.splice(0, count);
  }

  function size(event) {
    return new Blob([written(event)]).size;
  }

  // An age and no time: a visitor's clock may be years off.
  function written(event) {
    const item = { type: event.type, id: event.id, data: event.data };
    const age = (Date.now() - event.at) / 1000;
    if (age >= 1) item.age = Math.round(age);
    return JSON.stringify(item);
  }

  // One request at a time, so that events arrive in their order.
  function send() {
    timer = 0;
    if (sending || !pending.length || !pending[0].store) return;
    sending = taken();
    post(sending).then(function (answer) {
      if (answer.ok || (answer.status < 500 && answer.status !== 429)) {
        if (!answer.ok) say('refused with ' + answer.status, sending);
        sending.forEach(drop);
        sending = null;
        tries = 0;
        soon();
      } else {
        again(Number(answer.headers.get('retry-after')) * 1000 || 0);
      }
    }, function () { again(0); });
  }

  function post(events) {
    const body = '[' + events.map(written).join(',') + ']';
    const url = host + '/api/v1/stores/' + encodeURIComponent(events[0].store) + '/events/batch';
    const small = new Blob([body]).size <= MOST_BYTES;
    // a beacon has no answer: it is for browsers whose fetch does not outlive the page
    if (leaving && small && !('keepalive' in Request.prototype) && window.navigator.sendBeacon(url, body)) {
      return new Promise(function () {});
    }
    return fetch(url, { method: 'POST', body: body, mode: 'cors', credentials: 'omit', keepalive: small });
  }

  function again(least) {
    back(sending);
    sending = null;
    tries += 1;
    if (tries > MOST_TRIES) {
      // what may be kept is tried on the next page
      pending = [];
      tries = 0;
      return;
    }
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * Math.pow(2, tries - 1)) * (0.5 + Math.random() / 2);
    clearTimeout(timer);
    timer = setTimeout(send, Math.max(wait, Math.min(least, 5 * LONGEST_WAIT)));
  }

  // To the head of the line; what the visitor has forbidden meanwhile is forgotten.
  function back(events) {
    pending = events.concat(pending).filter(function (event) { return allowed(event.type); });
  }

  // The page goes, or may: what waits goes along, whatever else is on its way.
  function leave() {
    leaving = true;
    clearTimeout(timer);
    timer = 0;
    while (pending.length && pending[0].store) {
      const events = taken();
      post(events).then(function (answer) {
        if (answer.ok) events.forEach(drop);
        else failed(events);
      }, function () { failed(events); });
    }
    leaving = false;
  }

  // The page was only hidden, or came back from the browser's cache: try again.
  function failed(events) {
    back(events);
    tries += 1;
    if (!timer && tries <= MOST_TRIES) timer = setTimeout(send, FIRST_WAIT * Math.pow(2, tries - 1));
  }

  // Browsers may forbid to look at cookies and storage: then what is known lives as long as the page.
  function attempt(action) {
    try {
      return action();
    } catch (error) {
      return undefined;
    }
  }

  function remembers() {
    return consent === true && !refused();
  }

  function remember() {
    const all = pending.concat(sending || []);
    if (remembers()) {
      setCookie(JSON.stringify(visitor || {}), COOKIE_SECONDS);
      all.forEach(keep);
    } else if (consent === false || refused()) {
      setCookie('', 0);
      keptKeys().forEach(function (key) { localStorage.removeItem(key); });
      back([]);
    }
  }

  function setCookie(value, seconds) {
    attempt(function () {
      document.cookie = COOKIE + '=' + encodeURIComponent(value) + '; path=/; max-age=' + seconds + '; samesite=lax' +
        (domain ? '; domain=' + domain : '') + (window.location.protocol === 'https:' ? '; secure' : '');
    });
  }

  // A cookie of ours is there only with consent, so it says that there is.
  function recall() {
    const found = attempt(function () { return document.cookie.match('(?:^|; )' + COOKIE + '=([^;]*)'); });
    const known = found && attempt(function () { return plain(decodeURIComponent(found[1])); });
    if (!known) return;
    consent = true;
    if (known.email || known.customerId) visitor = known;
    keptKeys().forEach(function (key) {
      const event = plain(localStorage.getItem(key));
      if (event && Date.now() - event.at < KEPT_DAYS * 86400000) pending.push(event);
      else localStorage.removeItem(key);
    });
    pending.sort(function (one, other) { return one.at - other.at; });
    soon();
  }

  // One entry for each event: two tabs never overwrite each other's.
  function keep(event) {
    if (!remembers() || keptKeys().length >= MOST_KEPT) return;
    attempt(function () { localStorage.setItem(KEPT + event.id, JSON.stringify(event)); });
  }

  function drop(event) {
    attempt(function () { localStorage.removeItem(KEPT + event.id); });
  }

  function keptKeys() {
    return attempt(function () {
      return Object.keys(localStorage).filter(function (key) { return key.indexOf(KEPT) === 0; });
    }) || [];
  }

  function say(what, about) {
    if (debugs && window.console) window.console.info('heliograph: ' + what, about);
  }

  function start() {
    const early = queue.splice(0);
    queue.push = function () {
      Array.prototype.forEach.call(arguments, execute);
      return 0;
    };
    recall();
    early.forEach(execute);
    window.addEventListener('pagehide', leave);
    document.addEventListener('visibilitychange', function () {
      if (document.visibilityState === 'hidden') leave();
    });
    window.addEventListener('online', function () {
      clearTimeout(timer);
      timer = 0;
      soon();
    });
  }

  if (queue.heliograph) return;
  queue.heliograph = true;
  // a page that is only prepared for a visit that may never come
  if (document.prerendering) document.addEventListener('prerenderingchange', start, { once: true });
  else start();
})(window, document);
