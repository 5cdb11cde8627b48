# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN's single page: where to claim the device, each sensor's last minute as a live line, its
figures. Needs nothing from elsewhere.
"""

# The QR code is made in the browser: it costs the router nothing but these bytes in its flash.
PAGE = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Flukso</title>
<style>
:root{color-scheme:light dark;--g:#f6f4f0;--p:#fff;--l:#d9d6d1;--t:#21201e;--s:#5c5852;--b:#b8380d;
--o:#fff;--r:#f1572f}
@media(prefers-color-scheme:dark){:root{--g:#141617;--p:#1d2022;--l:#3d4144;--t:#ecebe8;--s:#adaba6;
--b:#ff8a63;--o:#1d1108}}
*{box-sizing:border-box}[hidden]{display:none!important}
body{margin:0;background:var(--g);color:var(--t);font:16px/1.5 system-ui,sans-serif}
body{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
header{background:var(--p);border-bottom:3px solid var(--r);padding:.6rem 1rem}
header b{font-size:1.3rem;color:var(--b);margin-right:.75rem}
main{max-width:32rem;margin:auto;padding:.75rem;display:grid;grid-template-columns:minmax(0,1fr);
gap:.75rem}
#cards{display:contents}
section{background:var(--p);border:1px solid var(--l);border-radius:.75rem;padding:1rem}
h1,h2,p,dl,dd{margin:0}h1{font-size:1.25rem;line-height:1.3;margin-bottom:.25rem;text-wrap:balance}
h2{font-size:.9rem}
small,dt,.s,summary{color:var(--s);font-size:.8125rem}p.s{line-height:1.4}
.now{font-size:3rem;font-weight:700;line-height:1.15}.now small{font-size:.55em}
.head,.rows div{display:flex;justify-content:space-between;gap:1rem;align-items:baseline}
.go{display:block;background:var(--b);color:var(--o);font-weight:650;text-align:center;
text-decoration:none}
.go{padding:.75rem;border-radius:.375rem;margin:.75rem 0}
.scan{display:flex;flex-wrap:wrap;gap:1rem;align-items:center;border-top:1px solid var(--l);
padding-top:.75rem;margin-top:.75rem}
.scan svg{width:9rem;background:#fff;border-radius:.375rem;display:block}.scan p{flex:1 1 10rem}
code{color:var(--t);font:700 1.25rem/1.5 ui-monospace,monospace;letter-spacing:.08em;
white-space:nowrap}
.line{width:100%;height:6rem;display:block;overflow:visible;margin:.5rem 0 .25rem;
border-bottom:1px solid var(--l)}
polyline{fill:none;stroke:var(--r);stroke-width:2.5;vector-effect:non-scaling-stroke;
stroke-linejoin:round}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(4.5rem,1fr));gap:.5rem;
margin-top:.75rem}dd{font-weight:600}
.rows{display:block;margin:0}.rows div{padding:.4rem 0}.rows div+div{border-top:1px solid var(--l)}
.rows dt{font-size:1rem;color:var(--t);flex:0 0 auto;max-width:55%}.rows dd{text-align:right}
#about dt,#about dd{font-size:.8125rem;font-weight:400}
#trouble{border-left:3px solid var(--r);padding-left:.75rem}
summary{cursor:pointer;padding:.5rem 0}
</style></head><body>
<header><b>Flukso</b><span class="s">your Fluksometer, at home</span></header>
<main>
<p id="trouble" role="status" hidden></p>
<section id="claim" hidden><h1></h1><p></p><a class="go">Make it mine</a>
<div class="scan"><svg role="img" shape-rendering="crispEdges"><path/></svg>
<p class="s"><span></span><br><code></code></p></div></section>
<div id="cards"></div>
<section id="others" hidden><h2>Other inputs</h2><dl class="rows"></dl></section>
<noscript><section>This page needs JavaScript. The figures are at
<a href="/status">/status</a>, too.</section></noscript>
<details><summary>About this device</summary>
<section><dl id="about" class="rows"></dl></section></details>
</main>
<script>
"use strict";
const cards={},SVG="http://www.w3.org/2000/svg";
const $=id=>document.getElementById(id),n=v=>v.toLocaleString("en");
const el=(tag,text,...inner)=>{
  const e=document.createElement(tag);e.textContent=text;e.append(...inner);return e};
const pair=([k,v])=>el("div","",el("dt",k),el("dd",v));
const ago=s=>s===null?"none yet":s<90?s+" seconds ago":
  s<5400?Math.round(s/60)+" minutes ago":Math.round(s/3600)+" hours ago";
async function get(path){
  const r=await fetch(path,{signal:AbortSignal.timeout(4000)});
  if(!r.ok)throw Error(r.status);return r.json()}
const title=s=>s.function||"Input "+s.number;
function card(s){
  if(cards[s.id])return cards[s.id];
  const box=document.createElement("section");
  box.innerHTML='<div class="head"><h2></h2><small>this second</small></div><p class="now"></p>'+
    '<svg class="line" viewBox="0 0 59 100" preserveAspectRatio="none" role="img"></svg>'+
    '<div class="head"><small>a minute ago</small><small>now</small></div><dl></dl>';
  const q=sel=>box.querySelector(sel);
  $("cards").append(box);
  return cards[s.id]={title:q("h2"),now:q(".now"),svg:q("svg"),dl:q("dl")};
}
function lines(rows,digits){
  const values=rows.map(r=>typeof r[1]=="number"?r[1]:null),known=values.filter(v=>v!==null),
    top=Math.max(...known,1),low=Math.min(...known,0),parts=[];
  let part=[];
  values.forEach((v,x)=>{if(v===null){if(part.length)parts.push(part);part=[]}
    else part.push(x+","+(97-94*(v-low)/(top-low)).toFixed(1))});
  if(part.length)parts.push(part);
  return{parts,last:known[known.length-1],min:Math.min(...known),max:Math.max(...known),
    avg:+(known.reduce((a,b)=>a+b,0)/known.length).toFixed(digits)};
}
async function draw(s){
  const v=card(s),l=lines(await get("/sensor/"+s.id+"?version=1.0&interval=minute&unit="+s.unit),
    s.decimals),u=" "+s.symbol,some=l.parts.length>0;
  v.title.textContent=title(s);
  v.now.replaceChildren(some?n(l.last)+" ":"no reading yet",el("small",some?u:""));
  v.svg.setAttribute("aria-label",some?
    "The last minute, from "+n(l.min)+" to "+n(l.max)+u:"no reading yet");
  v.svg.replaceChildren(...l.parts.map(p=>{
    const e=document.createElementNS(SVG,"polyline");
    e.setAttribute("points",p.length>1?p.join(" "):p[0]+" "+p[0]);return e}));
  const figures=some?[["lowest",n(l.min)+u],["mean",n(l.avg)+u],["highest",n(l.max)+u]]:[];
  if(s.counter!==null)figures.push(["counter",n(s.counter)+" "+s.counter_unit]);
  v.dl.replaceChildren(...figures.map(pair));
}
// A QR code (ISO/IEC 18004) of level M, versions 1 to 6: for each, check bytes, blocks and
// data bytes of a block
const KINDS=[[10,1,16],[16,1,28],[26,1,44],[18,2,32],[24,2,43],[16,4,27]];
const FORMATS=[0x5412,0x5125,0x5E7C,0x5B4B,0x45F9,0x40CE,0x4F97,0x4AA0];
const MASKS=[(x,y)=>(x+y)%2,(x,y)=>y%2,x=>x%3,(x,y)=>(x+y)%3,(x,y)=>((y>>1)+(x/3|0))%2,
  (x,y)=>x*y%2+x*y%3,(x,y)=>(x*y%2+x*y%3)%2,(x,y)=>((x+y)%2+x*y%3)%2];
const exp=[],log=[];
for(let i=0,x=1;i<255;i++){exp[i]=x;log[x]=i;x=x<128?x*2:x*2^285}
const mul=(a,b)=>a&&b?exp[(log[a]+log[b])%255]:0;
function codewords(text){
  const raw=[...new TextEncoder().encode(text)],v=KINDS.findIndex(k=>raw.length+2<=k[1]*k[2]);
  if(v<0)return null;
  const[ecc,blocks,size]=KINDS[v],data=[],rows=[];let half=4;
  for(const b of[raw.length,...raw]){data.push(half<<4|b>>4);half=b&15}
  data.push(half<<4);
  for(let i=0;data.length<blocks*size;i++)data.push(i%2?17:236);
  let g=[1];
  for(let i=0;i<ecc;i++)g=[...g,0].map((c,j)=>c^mul(g[j-1]||0,exp[i]));
  for(let b=0;b<blocks;b++){
    const r=[...data.slice(b*size,b*size+size),...Array(ecc).fill(0)],check=r.slice();
    for(let i=0;i<size;i++){const f=check[i];g.forEach((c,j)=>{check[i+j]^=mul(c,f)})}
    rows.push([...r.slice(0,size),...check.slice(size)]);
  }
  const all=[];
  for(let i=0;i<size+ecc;i++)rows.forEach(r=>all.push(r[i]));
  return{size:21+4*v,all};
}
function modules(size,all,mask){
  const m=Array.from({length:size},()=>[]),e=size-1;
  const ring=(cx,cy,far,light)=>{for(let y=-far;y<=far;y++)for(let x=-far;x<=far;x++)
    if(m[cy+y]&&cx+x>=0&&cx+x<size)
      m[cy+y][cx+x]=+!light.includes(Math.max(Math.abs(x),Math.abs(y)))};
  for(let i=0;i<size;i++)m[6][i]=m[i][6]=1-i%2;
  ring(3,3,4,[2,4]);ring(e-3,3,4,[2,4]);ring(3,e-3,4,[2,4]);
  if(size>21)ring(e-6,e-6,2,[1]);
  for(let i=0;i<15;i++){
    const bit=FORMATS[mask]>>i&1;
    if(i<8)m[i<6?i:i+1][8]=m[8][e-i]=bit;
    else m[8][i<9?7:14-i]=m[size-15+i][8]=bit;
  }
  m[e-7][8]=1;
  let k=0;
  for(let right=e;right>0;right-=2){
    if(right==6)right=5;
    for(let i=0;i<size;i++)for(const x of[right,right-1]){
      const y=right+1&2?i:e-i;
      if(m[y][x]===undefined){m[y][x]=(all[k>>3]>>7-k%8&1)^!MASKS[mask](x,y);k++}
    }
  }
  return m;
}
function penalty(m){
  let sum=0,dark=0;
  m.forEach((row,y)=>{
    for(const s of[row.join(""),m.map(r=>r[y]).join("")]){
      for(const run of s.match(/0{5,}|1{5,}/g)||[])sum+=run.length-2;
      for(let x=0;x<m.length;x++)if(/^(00001011101|10111010000)/.test(s.slice(x)))sum+=40;
    }
    row.forEach((c,x)=>{dark+=c;if(y&&x&&c==row[x-1]&&c==m[y-1][x]&&c==m[y-1][x-1])sum+=3});
  });
  return sum+10*Math.floor(Math.abs(dark*20/m.length**2-10));
}
function qr(text){
  const code=codewords(text);
  if(!code)return null;
  let best=null,least=Infinity;
  for(let i=0;i<8;i++){const m=modules(code.size,code.all,i),p=penalty(m);
    if(p<least){least=p;best=m}}
  return best;
}
let offered="";
function offer(s){
  const box=$("claim"),at=s.upload.claim_url,key=s.claim?s.claim+" "+at:"";
  if(key==offered)return;
  offered=key;
  box.hidden=!s.claim;
  if(!s.claim)return;
  const q=sel=>box.querySelector(sel),code=s.claim.slice(0,4)+" "+s.claim.slice(4),m=at?qr(at):null,
    server=s.upload.server;
  q("h1").textContent=at?"Nobody has claimed this Fluksometer yet":"Waiting for "+server;
  q("p").textContent=at?
    "Connect it to your account and its figures are on your phone wherever you are.":
    "This server has not said yet whether somebody has claimed this Fluksometer. "+
    "Once it has, this page says where to claim it.";
  q(".go").hidden=!at;q("svg").toggleAttribute("hidden",!m);
  if(at)q(".go").href=at;
  if(m){
    q("svg").setAttribute("viewBox","-4 -4 "+(m.length+8)+" "+(m.length+8));
    q("svg").setAttribute("aria-label","Code for a camera: "+at);
    q("path").setAttribute("d",
      m.map((row,y)=>row.map((c,x)=>c?"M"+x+" "+y+"h1v1h-1z":"").join("")).join(""));
  }
  q("span").textContent=!at?"Its code is":(m?
    "Reading this on another screen? Point your phone's camera at it, or enter":"Or enter")+
    " under Devices at "+server;
  q("code").textContent=code;
}
function tell(s){
  const up=s.upload,b=s.board,trouble=[];
  if(b.error)trouble.push("The board does not answer: "+b.error);
  if(up.error)trouble.push("Upload: "+up.error);
  if(up.enabled&&!s.clock.settled)
    trouble.push("Nothing is uploaded yet: "+(s.clock.believed?
      "the time that was known is contradicted":s.clock.source_text));
  for(const i of b.inputs)if(i.noise)trouble.push(i.noise);
  if(b.damage&&b.damage.falls)trouble.push("The board found damaged records: "+b.damage.falls);
  for(const e of["config","save","flash"])if(s.errors[e])trouble.push(s.errors[e]);
  $("trouble").textContent=trouble.join(". ");$("trouble").hidden=!trouble.length;
  const rows=[["Device",s.device||"unknown"],
    ["Board",b.hardware?b.hardware+", firmware "+b.firmware:"unknown"],["Daemon",s.version]];
  if(up.enabled)rows.push(["Server",up.server],["Last upload",ago(up.last_ok_age)]);
  rows.push(["Time",s.clock.source_text],["Kept readings",n(s.buffer.tuples)],
    ...s.sensors.map(x=>[title(x)+", "+x.type,x.id]));
  $("about").replaceChildren(...rows.map(pair));
  offer(s);
}
async function tick(){
  try{
    const s=await get("/status"),first=s.sensors[0];
    tell(s);
    const big=s.sensors.filter(x=>cards[x.id]||x.value||x==first),
      rest=s.sensors.filter(x=>!big.includes(x));
    $("others").hidden=!rest.length;
    const said=x=>x.value===null?"no reading yet":n(x.value)+" "+x.symbol;
    $("others").querySelector("dl").replaceChildren(...rest.map(x=>pair([title(x),said(x)])));
    await Promise.all(big.map(draw));
  }catch(e){
    $("trouble").textContent="No answer from the device: "+e.message;$("trouble").hidden=false}
  setTimeout(tick,1000);
}
tick();
</script></body></html>
"""
