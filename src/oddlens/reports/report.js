"use strict";
(() => {
  const report = JSON.parse(document.getElementById("data").textContent);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const clock = (seconds, decimals) => {
    const unit = 10 ** decimals, ticks = Math.round(Math.max(seconds, 0) * unit);
    const whole = Math.floor(ticks / unit), two = (value) => String(value).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    return (hours ? hours + ":" : "") + two(Math.floor(whole / 60) % 60) + ":" + two(whole % 60)
      + (decimals ? "." + String(ticks % unit).padStart(decimals, "0") : "");
  };

  const rarity = (surprise) => {
    if (surprise > 6) return "under 1 in 1,000,000";
    const ratio = 10 ** Math.max(surprise, 0), digits = 10 ** Math.max(Math.floor(Math.log10(ratio)) - 1, 0);
    return "1 in " + (Math.round(ratio / digits) * digits).toLocaleString("en-US");
  };

  const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

  // Index of the bin that holds `time`: the last one that starts no later.
  const binAt = (times, time) => {
    let low = 0, high = times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= time) low = middle; else high = middle - 1;
    }
    return low;
  };

  const setUp = (card) => {
    const video = report.videos[Number(card.dataset.index)];
    const find = (selector) => card.querySelector(selector);
    const plot = find(".plots"), svgs = card.querySelectorAll(".plots svg"), cursor = find(".cursor"), tip = find(".tip");
    const zone = find(".zone"), ticks = find(".ticks"), player = find("video");
    const full = [video.start, video.start + video.span];
    let view = full, dragFrom = null;

    const share = (time) => (time - view[0]) / (view[1] - view[0]);
    const timeAt = (event) => {
      const box = plot.getBoundingClientRect();
      return view[0] + Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * (view[1] - view[0]);
    };

    const show = (from, to) => {
      view = [from, to];
      const scale = 1000 / video.span;
      const box = `${(from - video.start) * scale} 0 ${(to - from) * scale} 100`;
      for (const svg of svgs) svg.setAttribute("viewBox", box);
      for (const peak of card.querySelectorAll(".peak")) {
        const at = share(video.events[Number(peak.dataset.event)].peak);
        peak.style.left = `${at * 100}%`;
        peak.hidden = at < 0 || at > 1;
      }
      const width = to - from, room = Math.max(Math.floor(plot.clientWidth / 90), 2);
      const step = STEPS.find((each) => width / each <= room) || Math.ceil(width / room / 86400) * 86400;
      const decimals = step < 1 ? 1 : 0;
      ticks.replaceChildren();
      for (let time = Math.ceil(from / step - 1e-6) * step; time <= to + 1e-6; time += step) {
        const mark = document.createElement("span");
        mark.textContent = clock(time, decimals);
        mark.style.left = `${share(time) * 100}%`;
        mark.classList.toggle("last", share(time) > 0.97);
        ticks.append(mark);
      }
    };

    const nearest = (time) => {
      const reach = (view[1] - view[0]) * 0.012;
      let best = -1, far = Infinity;
      video.events.forEach((event, index) => {
        const distance = time < event.start - reach || time > event.end + reach ? Infinity : Math.abs(time - event.peak);
        if (distance < far) { best = index; far = distance; }
      });
      return best;
    };

    const point = (time, index) => {
      const bin = binAt(video.times, time), surprise = video.surprise[bin], at = share(time);
      cursor.hidden = tip.hidden = false;
      cursor.style.left = `${at * 100}%`;
      const half = tip.offsetWidth / 2, width = plot.clientWidth;
      tip.replaceChildren();
      const line = document.createElement("div"), strong = document.createElement("b");
      strong.textContent = surprise === null ? "-" : surprise.toFixed(2);
      line.append(strong, `  at ${clock(time, 1)}`);
      tip.append(line);
      if (surprise !== null) {
        const odds = document.createElement("div");
        odds.textContent = `${rarity(surprise)} normal frames scores as high`;
        tip.append(odds);
      }
      for (const part of video.parts) {
        const row = document.createElement("div"), value = part.values[bin];
        row.textContent = `${part.name} ${value === null ? "-" : value}`;
        tip.append(row);
      }
      const picture = index < 0 ? null : find(`tr[data-event="${index}"] img`);
      if (picture) tip.append(picture.cloneNode());
      tip.style.left = `${Math.min(Math.max(at * width, Math.max(half, 120)), width - Math.max(half, 120))}px`;
    };

    const jump = (index) => {
      const row = find(`tr[data-event="${index}"]`), event = video.events[index];
      if (!row) return;
      const holder = row.closest("details");
      if (holder) holder.open = true;
      row.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
      row.classList.add("flash");
      setTimeout(() => row.classList.remove("flash"), 1200);
      if (player && player.closest("details").open) player.currentTime = event.seek;
    };

    const play = (index) => {
      const event = video.events[index];
      if (event.peak < view[0] || event.peak > view[1]) show(...full);
      point(event.peak, index);
      if (!player) return;
      player.closest("details").open = true;
      player.currentTime = event.seek;
      player.play().catch(() => {});
    };

    plot.addEventListener("pointerdown", (event) => { if (event.button === 0) dragFrom = timeAt(event); });
    plot.addEventListener("pointermove", (event) => {
      const time = timeAt(event);
      point(time, nearest(time));
      if (dragFrom === null) return;
      zone.hidden = false;
      zone.style.left = `${Math.min(share(dragFrom), share(time)) * 100}%`;
      zone.style.width = `${Math.abs(share(time) - share(dragFrom)) * 100}%`;
    });
    plot.addEventListener("pointerleave", () => { cursor.hidden = tip.hidden = zone.hidden = true; dragFrom = null; });
    plot.addEventListener("pointerup", (event) => {
      if (dragFrom === null) return;
      const ends = [dragFrom, timeAt(event)].sort((a, b) => a - b);
      dragFrom = null;
      zone.hidden = true;
      if (ends[1] - ends[0] > (view[1] - view[0]) * 0.02) show(...ends);
      else if (nearest(ends[0]) >= 0) jump(nearest(ends[0]));
    });
    plot.addEventListener("dblclick", () => show(...full));
    for (const peak of card.querySelectorAll(".peak")) {
      peak.addEventListener("click", () => jump(Number(peak.dataset.event)));
    }
    for (const row of card.querySelectorAll("tr[data-event]")) {
      row.addEventListener("click", () => play(Number(row.dataset.event)));
      row.addEventListener("keydown", (event) => { if (event.key === "Enter") play(Number(row.dataset.event)); });
    }
    addEventListener("resize", () => show(...view));
    show(...full);
  };

  const cards = [...document.querySelectorAll(".video")];
  cards.forEach(setUp);

  const order = document.getElementById("order"), only = document.getElementById("only");
  const ORDERS = {
    peak: (a, b) => b.dataset.peak - a.dataset.peak,
    events: (a, b) => b.dataset.events - a.dataset.events,
    name: (a, b) => a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true }),
    given: (a, b) => a.dataset.index - b.dataset.index,
  };
  order?.addEventListener("change", () => {
    cards.sort(ORDERS[order.value]).forEach((card) => card.parentNode.append(card));
  });
  only?.addEventListener("change", () => {
    for (const card of cards) card.hidden = only.checked && card.dataset.events === "0";
  });
})();
