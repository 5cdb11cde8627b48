# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN's single page: each sensor's last minute as a live line, and its figures. Needs nothing from elsewhere."""

PAGE = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Flukso</title>
<style>
body{font:16px/1.4 system-ui,sans-serif;margin:0 auto;max-width:40rem;padding:1rem;color:#222;background:#fff}
h1{font-size:1.3rem;margin:0 0 .5rem}h2{font-size:1rem;margin:1.2rem 0 0;font-weight:600}
svg{width:100%;height:6rem;display:block;background:#8881}
polyline{fill:none;stroke:#f1572f;stroke-width:2;vector-effect:non-scaling-stroke}
.now{font-size:2rem;font-variant-numeric:tabular-nums}.dim{opacity:.7;font-size:.9rem}
code{font-size:1.2rem;letter-spacing:.1em}
@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}}
</style></head><body>
<h1>Flukso</h1>
<p id="claim" hidden>Claim this device with the code <code></code></p>
<main id="sensors"></main>
<p id="state" class="dim" role="status">&hellip;</p>
<noscript><p>This page needs JavaScript. The figures are at <a href="/status">/status</a> too.</p></noscript>
<script>
"use strict";
const units={watt:"W",lperday:"l/day"},views={};
const $=id=>document.getElementById(id);
async function get(path){const r=await fetch(path,{signal:AbortSignal.timeout(4000)});if(!r.ok)throw Error(r.status);return r.json()}
function view(s){
  if(views[s.id])return views[s.id];
  const box=document.createElement("section");
  box.innerHTML='<h2></h2><div class="now" aria-live="off"></div>'+
    '<svg viewBox="0 0 59 100" preserveAspectRatio="none" role="img"></svg><div class="dim"></div>';
  $("sensors").append(box);
  return views[s.id]={title:box.children[0],now:box.children[1],svg:box.children[2],dim:box.children[3]};
}
function lines(rows){
  const values=rows.map(r=>typeof r[1]=="number"?r[1]:null),known=values.filter(v=>v!==null);
  if(!known.length)return null;
  const top=Math.max(...known,1),parts=[];let part=[];
  values.forEach((v,x)=>{if(v===null){if(part.length)parts.push(part);part=[]}else part.push(x+","+(97-94*v/top).toFixed(1))});
  if(part.length)parts.push(part);
  return{parts,last:known[known.length-1],min:Math.min(...known),max:Math.max(...known),
    avg:Math.round(known.reduce((a,b)=>a+b)/known.length)};
}
async function draw(s){
  const rows=await get("/sensor/"+s.id+"?version=1.0&interval=minute&unit="+s.unit),v=view(s),u=units[s.unit],l=lines(rows);
  v.title.textContent=(s.function||"sensor "+s.number)+" ("+s.type+")";
  v.now.textContent=l?l.last+" "+u:"no reading yet";
  v.svg.setAttribute("aria-label",l?"last minute, from "+l.min+" to "+l.max+" "+u:"no reading yet");
  v.svg.replaceChildren(...(l?l.parts:[]).map(p=>{
    const e=document.createElementNS("http://www.w3.org/2000/svg","polyline");
    e.setAttribute("points",p.length>1?p.join(" "):p[0]+" "+p[0]);return e}));
  v.dim.textContent=(l?"min "+l.min+", avg "+l.avg+", max "+l.max+" "+u+"; ":"")+
    (s.counter===null?"":"counter "+s.counter+" "+s.counter_unit+"; ")+s.id;
}
function tell(s){
  const up=s.upload,words=[];
  words.push(s.board.error?"board: "+s.board.error:"board "+s.board.hardware+", firmware "+s.board.firmware);
  if(up.enabled)words.push(up.last_ok_age===null?"nothing uploaded yet":"last upload "+up.last_ok_age+" s ago");
  if(up.error)words.push("last error: "+up.error);
  words.push(s.buffer.tuples+" readings kept","version "+s.version);
  $("state").textContent=words.join("; ");
  $("claim").hidden=!s.claim;$("claim").querySelector("code").textContent=s.claim||"";
}
async function tick(){
  try{const s=await get("/status");tell(s);await Promise.all(s.sensors.map(draw))}
  catch(e){$("state").textContent="no answer from the device: "+e.message}
  setTimeout(tick,1000);
}
tick();
</script></body></html>
"""
