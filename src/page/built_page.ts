// made by `deno task page` from the other files of this folder: change those

/** The status page, whole. */
export const PAGE: string = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>pg2es</title>
    <link rel="icon" href="data:,">
    <style>:root {
  color-scheme: light dark;
  --ground: #f4f5f7;
  --card: #ffffff;
  --ink: #16191f;
  --quiet: #555e6d;
  --line: #dde1e7;
  --good: #18794e;
  --good-ground: #e7f5ee;
  --busy: #1d5fc4;
  --busy-ground: #e8f0fc;
  --idle: #4d5666;
  --idle-ground: #eceef2;
  --warn: #8a5200;
  --warn-ground: #fdf2dc;
  --bad: #b42025;
  --bad-ground: #fdeaea;
}

@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101317;
    --card: #191d23;
    --ink: #e8ebf0;
    --quiet: #a2abb9;
    --line: #2d333c;
    --good: #5fc995;
    --good-ground: #12291f;
    --busy: #84b3f8;
    --busy-ground: #152540;
    --idle: #b0b8c4;
    --idle-ground: #22272f;
    --warn: #eab35a;
    --warn-ground: #2e2310;
    --bad: #ff8f8f;
    --bad-ground: #381a1c;
  }
}

* {
  box-sizing: border-box;
}

body {
  margin: 0;
  background: var(--ground);
  color: var(--ink);
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial,
    sans-serif;
  font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere;
}

#root {
  max-width: 70rem;
  margin: 0 auto;
  padding: 1rem;
}

h1,
h2,
h3,
h4,
p,
dl,
dd,
ul,
figure {
  margin: 0;
}

h1 {
  font-size: 1.125rem;
}

h2 {
  font-size: 1.25rem;
  line-height: 1.3;
}

h3 {
  font-size: 1rem;
  line-height: 1.4;
}

h4 {
  font-size: 0.9375rem;
  margin-top: 1.5rem;
}

ul {
  padding: 0;
  list-style: none;
}

a {
  color: var(--busy);
}

a:focus-visible,
summary:focus-visible {
  outline: 3px solid var(--busy);
  outline-offset: 2px;
  border-radius: 2px;
}

code,
pre,
.id {
  font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono",
    monospace;
  font-size: 0.875em;
}

code {
  display: inline-block;
  padding: 0.125rem 0.5rem;
  border: 1px solid var(--line);
  border-radius: 0.375rem;
  background: var(--ground);
  user-select: all;
}

pre {
  margin: 0.5rem 0 0;
  padding: 0.5rem;
  border: 1px solid var(--line);
  border-radius: 0.375rem;
  font-weight: normal;
  white-space: pre-wrap;
}

section,
.report {
  margin-top: 1.25rem;
}

.quiet {
  color: var(--quiet);
  font-size: 0.875rem;
  font-weight: normal;
}

/* for screen readers alone */
.unseen {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

.icon {
  flex: none;
  width: 1em;
  height: 1em;
  fill: none;
  stroke: currentColor;
  stroke-width: 3;
  stroke-linecap: round;
  stroke-linejoin: round;
}

[data-mood="good"] {
  --mood: var(--good);
  --mood-ground: var(--good-ground);
}

[data-mood="busy"] {
  --mood: var(--busy);
  --mood-ground: var(--busy-ground);
}

[data-mood="idle"] {
  --mood: var(--idle);
  --mood-ground: var(--idle-ground);
}

[data-mood="warn"] {
  --mood: var(--warn);
  --mood-ground: var(--warn-ground);
}

[data-mood="bad"] {
  --mood: var(--bad);
  --mood-ground: var(--bad-ground);
}

.top {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  justify-content: space-between;
  gap: 0 1rem;
}

.banner {
  display: flex;
  gap: 1rem;
  align-items: flex-start;
  margin-top: 0.75rem;
  padding: 1.25rem;
  border-radius: 0.75rem;
  background: var(--mood-ground);
}

.banner .icon {
  width: 2.25rem;
  height: 2.25rem;
  padding: 0.375rem;
  border-radius: 50%;
  background: var(--mood);
  color: var(--mood-ground);
}

.banner h2 {
  font-size: 1.5rem;
  line-height: 2.25rem;
  color: var(--mood);
}

.card,
.problem,
.index,
.overview {
  border: 1px solid var(--line);
  border-radius: 0.75rem;
  background: var(--card);
}

.problems {
  display: grid;
  gap: 0.75rem;
  margin-top: 0.5rem;
}

.problem {
  display: flex;
  gap: 0.75rem;
  padding: 1rem;
  border-left: 0.25rem solid var(--mood);
}

.problem > .icon {
  margin-top: 0.25rem;
  color: var(--mood);
}

.problem p,
.banner p {
  margin-top: 0.25rem;
}

.banner .quiet {
  color: inherit;
}

.servers {
  display: grid;
  grid-template-columns: repeat(3, 1fr);
  gap: 2rem;
}

.card {
  position: relative;
  padding: 1rem;
  color: var(--quiet);
  font-size: 0.875rem;
}

.card h3 {
  color: var(--ink);
}

.card > header {
  display: flex;
  flex-wrap: wrap;
  justify-content: space-between;
  gap: 0 1rem;
  font-size: 1rem;
}

/* the way that documents go */
.card + .card::before {
  content: "";
  position: absolute;
  top: calc(50% - 0.375rem);
  left: -1.4rem;
  width: 0.75rem;
  height: 0.75rem;
  border: solid var(--quiet);
  border-width: 2px 2px 0 0;
  transform: rotate(45deg);
}

.state {
  color: var(--mood);
  font-weight: 600;
}

.state .icon {
  vertical-align: -0.125em;
}

.overview .state {
  white-space: nowrap;
}

.index {
  padding: 1.25rem;
}

.index > header {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  gap: 0 1rem;
}

.index > header h3 {
  font-size: 1.25rem;
}

.load {
  margin-top: 0.75rem;
}

progress {
  display: block;
  width: 100%;
  height: 0.625rem;
  margin-bottom: 0.25rem;
  border: 0;
  border-radius: 0.3125rem;
  overflow: hidden;
  background: var(--busy-ground);
  color: var(--busy);
  accent-color: var(--busy);
}

progress::-webkit-progress-bar {
  background: var(--busy-ground);
}

progress::-webkit-progress-value {
  background: var(--busy);
}

progress::-moz-progress-bar {
  background: var(--busy);
}

.figures {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr));
  gap: 0.75rem 1rem;
  margin-top: 1rem;
}

.figure dt {
  color: var(--quiet);
  font-size: 0.875rem;
}

.figure dd {
  font-size: 1.375rem;
  font-weight: 600;
  line-height: 1.3;
}

.figure.warning dd {
  color: var(--warn);
}

.charts {
  display: grid;
  grid-template-columns: repeat(2, minmax(0, 1fr));
  gap: 1.5rem;
  margin-top: 1.25rem;
}

.chart figcaption {
  display: flex;
  flex-wrap: wrap;
  justify-content: space-between;
  gap: 0 1rem;
  font-size: 0.875rem;
}

.chart-title {
  font-weight: 600;
}

.chart-value,
.chart-top,
.chart-axis,
.chart summary {
  color: var(--quiet);
  font-size: 0.8125rem;
}

.chart-area {
  position: relative;
  margin-top: 0.25rem;
  border: solid var(--line);
  border-width: 1px 0;
}

.chart-top {
  position: absolute;
  top: 0;
  left: 0;
  padding-right: 0.25rem;
  background: var(--card);
  pointer-events: none;
}

.chart-empty {
  position: absolute;
  inset: 0;
  display: grid;
  place-items: center;
  color: var(--quiet);
  font-size: 0.8125rem;
}

.chart svg {
  display: block;
  overflow: visible;
  width: 100%;
  height: 6rem;
  touch-action: pan-y;
}

.chart path {
  fill: none;
  stroke: var(--busy);
  stroke-width: 2;
  stroke-linecap: round;
  stroke-linejoin: round;
  vector-effect: non-scaling-stroke;
}

.chart .chart-fill {
  fill: var(--busy-ground);
  stroke: none;
}

.chart .chart-grid,
.chart .chart-cursor {
  stroke: var(--line);
  stroke-width: 1;
}

.chart .chart-cursor {
  stroke: var(--ink);
}

.chart-axis {
  display: flex;
  justify-content: space-between;
}

summary {
  width: fit-content;
  cursor: pointer;
}

table {
  width: 100%;
  margin-top: 0.25rem;
  border-collapse: collapse;
  table-layout: fixed;
  font-size: 0.875rem;
}

caption {
  color: var(--quiet);
  text-align: left;
}

th,
td {
  padding: 0.375rem 0.75rem 0.375rem 0;
  border-top: 1px solid var(--line);
  text-align: left;
  vertical-align: top;
}

th:last-child,
td:last-child {
  padding-right: 0;
}

thead th {
  border-top: 0;
  color: var(--quiet);
  font-weight: normal;
  overflow-wrap: normal;
}

tbody th {
  font-weight: normal;
}

.more td {
  padding-top: 0;
  border-top: 0;
}

tbody .quiet {
  display: block;
}

.number {
  text-align: right;
}

.number,
.time {
  width: 6rem;
}

.overview {
  margin-top: 0.5rem;
  table-layout: fixed;
  border-collapse: separate;
  border-spacing: 0;
}

.overview th,
.overview td {
  padding: 0.5rem 1rem;
}

/* nothing of it is of now */
.stale {
  filter: grayscale(1);
}

footer {
  margin-top: 1.5rem;
  color: var(--quiet);
  font-size: 0.875rem;
}

@media (max-width: 44rem) {
  #root {
    padding: 0.75rem;
  }

  .banner,
  .index {
    padding: 1rem;
  }

  .banner {
    gap: 0.75rem;
  }

  .banner h2 {
    font-size: 1.25rem;
  }

  .servers {
    grid-template-columns: minmax(0, 1fr);
    gap: 1.75rem;
  }

  .card + .card::before {
    top: -1.25rem;
    left: calc(50% - 0.375rem);
    transform: rotate(135deg);
  }

  .charts {
    grid-template-columns: minmax(0, 1fr);
  }

  .overview th,
  .overview td {
    padding: 0.5rem 0.25rem 0.5rem 0.75rem;
  }

  .overview th:last-child,
  .overview td:last-child {
    padding-right: 0.75rem;
  }

  .number,
  .time {
    width: 4.25rem;
  }

  .overview .number {
    width: 4rem;
  }

  .wide {
    display: none;
  }
}

@media (prefers-reduced-motion: no-preference) {
  html {
    scroll-behavior: smooth;
  }
}

@media (forced-colors: active) {
  .banner,
  .figure {
    border: 1px solid;
  }
}
</style>
  </head>
  <body>
    <div id="root"></div>
    <noscript>
      <p>
        This page needs JavaScript. <a href="status">The same as JSON</a> needs
        none.
      </p>
    </noscript>
    <script type="module">/*! Preact

The MIT License (MIT)

Copyright (c) 2015-present Jason Miller

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
*/
var v,je,Ot,A,ce,ie,Pe,te,Ae,de,le,Nt,V=Symbol.for("pv"),se={},ae=[],Ft=/^m(i|n|o|s|text|space)$/,ue=Array.isArray,Oe=ae.slice,U=Object.assign;function E(e){e&&e.parentNode&&e.remove()}function ne(e,t,n,r,s){var i={type:e,props:t,key:n,ref:r,__k:null,__:null,__b:0,__e:null,__c:null,constructor:V,__v:s||++je,__i:-1,__u:0};return!s&&v.vnode&&v.vnode(i),i}function S(e){return e.children}function oe(e,t){this.props=e,this.context=t,this.__g=0}function O(e,t){if(t==null)return e.__&&O(e.__,e.__i+1);for(var n;t<e.__k.length;t++)if((n=e.__k[t])&&n.__e)return n.__e;return typeof e.type!="function"||e.props.__P?null:O(e)}function Rt(e){var t,n=e.__v,r=n.__e,s=[],i=[],a=e.__P;a&&((t=U({constructor:V},n)).__v=n.__v+1,v.vnode&&v.vnode(t),_e(a,t,n,e.__n,a.namespaceURI,32&n.__u?[r]:null,s,r||O(n),32&n.__u,i),t.__v=n.__v,t.__.__k[t.__i]=t,We(s,t,i),n.__=n.__e=null,t.__e!=r&&Ne(t))}function Ne(e){if((e=e.__)&&e.__c&&!e.props.__P)return e.__e=null,e.__k.some(function(t){return t&&(e.__e=t.__e)}),Ne(e)}function De(e){(8&e.__g||(e.__g|=8,A.push(e),ie++))&&ce==v.debounceRendering||((ce=v.debounceRendering)||queueMicrotask)(Fe)}function Fe(){try{for(var e,t=1;A.length;)A.length>t&&A.sort(Pe),e=A.shift(),t=A.length,8&e.__g&&Rt(e)}finally{(ie=A.length)&&(ce||queueMicrotask)(Fe)}}function Re(e,t,n,r,s,i,a,c,u,_,d){var p,m,l,h,$,g,y=r.__k||ae,f=t.length;for(u=Et(n,t,y,u,f),p=0;p<f;p++)(l=n.__k[p])!=null&&(m=~l.__i&&y[l.__i]||se,l.__i=p,g=_e(e,l,m,s,i,a,c,u,_,d),h=l.__e,(m.ref!=l.ref||8&m.__u)&&(m.ref&&fe(m.ref,null,l,m),l.ref&&d.push(l.ref,l.__c||h,l)),$=$||h,4&l.__u?(u=Ee(l,u,e,!m.__v),m.__e&&(m.__e=null)):typeof l.type=="function"&&g!==void 0?u=g:h&&(u=h.nextSibling),l.__u&=-21);return n.__e=$,u}function Et(e,t,n,r,s){var i,a,c,u,_,d,p,m,l,h=n.length,$=h,g=0,y=0,f=e.__k=Array(s);for(i=0;i<s;i++)(a=t[i])!=null&&typeof a!="boolean"&&typeof a!="function"?(typeof a!="object"||a.constructor===String?a=f[i]=ne(null,a):ue(a)?a=f[i]=ne(S,{children:a}):a.constructor===V&&a.__b?a=f[i]=ne(a.type,a.props,a.key,a.ref,a.__v):f[i]=a,u=i+g,a.__=e,a.__b=e.__b+1,c=null,~(_=a.__i=Ut(a,n,u,$))&&($--,(c=n[_])&&(c.__u|=2)),c&&c.__v?(a.__u|=16,_==u-1?g--:_==u+1?g++:_!=u&&(_>u?g--:g++,y=1)):(~_||(s>h?g--:s<h&&g++),typeof a.type!="function"&&(a.__u|=4))):f[i]=null;if(y){for(d=[],p=[],i=0;i<s;i++)if((a=f[i])&&16&a.__u){for(g=0,m=d.length;g<m;)d[l=g+m>>1]<a.__i?g=l+1:m=l;d[g]=a.__i,p[i]=g+1}for(g=d.length;i--;)p[i]&&(p[i]==g?g--:f[i].__u|=4)}if($)for(i=0;i<h;i++)!(c=n[i])||2&c.__u||(c.__e==r&&(r=O(c)),he(c,c));return r}function Ee(e,t,n,r){var s,i,a,c;if(typeof e.type=="function"){if(e.props.__P)return t;if(s=e.__k)for(i=0;i<s.length;i++)s[i]&&(s[i].__=e,t=Ee(s[i],t,n,!1));return t}for(t&&!t.parentNode&&(t=O(e))&&!t.parentNode&&(t=null),a=e.__e,c=t;c&&c.nodeType==8;)c=c.nextSibling;for(a!=c&&(!r&&n.moveBefore&&a.parentNode?n.moveBefore(a,t):n.insertBefore(a,t||null)),t=a;(t=t&&t.nextSibling)&&t.nodeType==8&&!t.data.startsWith("$s"););return t}function Ut(e,t,n,r){var s,i=e.key,a=e.type,c=t[n],u=c&&!(2&c.__u);if(c===null&&i==null||u&&i==c.key&&a==c.type)return n;if(r>(u?1:0)){for(s=n-1;s>=0;s--)if((c=t[s])&&!(2&c.__u)&&i==c.key&&a==c.type)return s;for(s=n+1;s<t.length;s++)if((c=t[s])&&!(2&c.__u)&&i==c.key&&a==c.type)return s}return-1}function Ie(e,t,n){n==null&&(n=""),t[0]=="-"?e.setProperty(t,n):e[t]=n}function ee(e,t,n,r,s){var i,a;if(t=="style")if(typeof n=="string")e.style.cssText=n;else{if(typeof r=="string"&&(e.style.cssText=r=""),r)for(t in r)n&&t in n||Ie(e.style,t);if(n)for(t in n)r&&n[t]==r[t]||Ie(e.style,t,n[t])}else if(t[0]=="o"&&t[1]=="n")typeof n!="function"&&(n=null),typeof r!="function"&&(r=null),(e.__e||(e.__e={}))[t]=n,n&&r||(a=le[t]||(le[t]=Wt(t)),(e.__a||(e.__a={}))[t]=de,i=t!=(t=t.replace(Ae,"$1")),(t=t.slice(2))[0]<"a"&&(t=t.toLowerCase()),n?e.addEventListener(t,a,i):e.removeEventListener(t,a,i));else{if(s=="http://www.w3.org/2000/svg")t=t.replace(/xlink(H|:h)/,"h").replace(/sName$/,"s");else if(t!="width"&&t!="height"&&t!="href"&&t!="list"&&t!="form"&&t!="tabIndex"&&t!="download"&&t!="rowSpan"&&t!="colSpan"&&t!="role"&&t!="popover"&&t in e)try{return void(e[t]=n??"")}catch{}if(typeof n=="function")return;n==null||n===!1&&t[4]!="-"?e.removeAttribute(t):e.setAttribute(t,t=="popover"&&n==1?"":n)}}function Wt(e){return function(t){var n=this.__e;if(n){if(n=n[e],t[te]==null)t[te]=de++;else if(t[te]<this.__a[e])return;return n(v.event?v.event(t):t)}}}function _e(e,t,n,r,s,i,a,c,u,_){var d,p,m,l,h,$,g,y,f,w,b,G,Le,Y,F,Ce,P,R,j=t.type;if(t.constructor!==V)return null;128&n.__u&&(u=32&n.__u,d=n.__c.__z)&&(t.__u|=u,p=i=[],d.nodeType==8?c=re(d,i):i.push(d),c=i[0]||c),(d=v.__b)&&d(t);e:if(typeof j=="function"){m=a.length;try{if(y=t.props,f=(d=j.prototype)&&d.render,w=(d=j.contextType)&&r[d.__c],b=d?w?w.props.value:d.__:r,(l=n.__c)?(t.__c=l,2&l.__g&&(l.__g|=1)):(f?t.__c=l=new j(y,b):(t.__c=l=new oe(y,b),l.constructor=j,l.render=qt),w&&w.sub(l),l.state||(l.state={}),l.__n=r,l.__g|=8,l.__h=[],l.__k=[]),f&&(l.__s||(l.__s=l.state),j.getDerivedStateFromProps&&(l.__s==l.state&&(l.__s=U({},l.__s)),U(l.__s,j.getDerivedStateFromProps(y,l.__s)))),h=l.props,$=l.state,l.__v=t,n.__c){if(y!==h&&f&&!j.getDerivedStateFromProps&&l.componentWillReceiveProps&&l.componentWillReceiveProps(y,b),t.__v==n.__v&&!(8&l.__g)||!(4&l.__g)&&l.shouldComponentUpdate&&l.shouldComponentUpdate(y,l.__s,b)===!1){t.__v!=n.__v&&(l.props=y,l.state=l.__s,l.__g&=-9),t.__e=n.__e,t.__k=n.__k,t.__k.some(function(D){D&&(D.__=t)}),ae.push.apply(l.__h,l.__k),l.__k=[],l.__h.length&&a.push(l),c=O(n);break e}l.componentWillUpdate&&l.componentWillUpdate(y,l.__s,b),f&&l.componentDidUpdate&&l.__h.push(function(){l.componentDidUpdate(h,$,g)})}else f&&!j.getDerivedStateFromProps&&l.componentWillMount&&l.componentWillMount(),f&&l.componentDidMount&&l.__h.push(l.componentDidMount);l.context=b,l.props=y,l.__P=e,l.__g&=-5,G=v.__r,Le=f?25:0;do l.__g&=-9,G&&G(t),d=l.render(l.props,l.state=l.__s,l.context);while(8&l.__g&&++Le<25);f&&(ae.push.apply(l.__h,l.__k),l.__k=[]),l.state=l.__s,l.getChildContext&&(r=U({},r,l.getChildContext())),f&&n.__c&&l.getSnapshotBeforeUpdate&&(g=l.getSnapshotBeforeUpdate(h,$)),Y=d&&d.type===S&&d.key==null?d.props.children:d,y.__P&&(d=c,s=(e=y.__P).namespaceURI,u=i=null,n.props&&n.props.__P!=e&&(n.__k.some(function(D){D&&he(D,D)}),n.__k=null),c=n.__k?O(n,0):null),c=Re(e,ue(Y)?Y:[Y],t,n,r,s,i,a,c,u,_),y.__P&&(t.__e=null,c=d),t.__u&=-161,p&&p.some(E),l.__h.length&&a.push(l),1&l.__g&&(l.__g&=-4)}catch(D){if(a.length=m,t.__v=null,u||i)if(D&&D.then){if(t.__u|=128|u,i){for(~(P=i.indexOf(c||void 0))||(P=i.length);(R=i[P-1])&&R.nodeType==8;)P--;for(;P<i.length;P++)if(R=i[P])if(i[P]=null,F){if(R==Ce)break}else{if(R.nodeType!=8)break;R.data.startsWith("$s")&&(Ce=re(F=R))}}if(!F){for(;c&&c.nodeType==8&&c.nextSibling;)c=c.nextSibling;F=c}(d=re(F=t.__c.__z||(t.__c.__z=F)))?(t.__e=F,c=d):t.__e=c,c=c&&c.nextSibling}else i&&i.some(E);else t.__e=n.__e;t.__k||(t.__k=n.__k||[]),D&&D.then||Ue(t),v.__e(D,t,n)}}else c=t.__e=Ht(n.__e,t,n,r,s,i,a,u,_,e);return(d=v.diffed)&&d(t),c}function re(e,t){if(e&&e.nodeType==8&&e.data.startsWith("$s"))for(var n=1;e=e.nextSibling;){if(e.nodeType==8){if(e.data.startsWith("$s"))n++;else if(e.data.startsWith("/$s")&&!--n)return e}t&&t.push(e)}}function Ue(e){e&&(e.__c&&(e.__c.__g|=4),e.__k&&e.__k.some(Ue))}function We(e,t,n){for(var r=0;r<n.length;)fe(n[r++],n[r++],n[r++]);v.__c&&v.__c(t,e),e.some(function(s){try{e=s.__h,s.__h=[],e.some(function(i){i.call(s)})}catch(i){v.__e(i,s.__v)}})}function Ht(e,t,n,r,s,i,a,c,u,_){var d,p,m,l,h,$,g,y,f=n.props||se,w=t.props,b=t.type;if(b=="svg"?s="http://www.w3.org/2000/svg":b=="math"?s="http://www.w3.org/1998/Math/MathML":s||(s="http://www.w3.org/1999/xhtml"),i){for(d=0;d<i.length;d++)if((h=i[d])&&(b?h.localName==b:h.nodeType==3)){e=h,i[d]=null;break}}if(!e){if(y=_.ownerDocument||document,!b)return y.createTextNode(w);e=y.createElementNS(s,b,w.is?w:_),c&&(v.__m&&v.__m(t,i),c=!1),i=null}if(b){if(_=b=="template"&&e.content||e,i=b=="textarea"&&w.defaultValue!=null?null:i&&Oe.call(_.childNodes),!c&&i)for(f={},d=0;d<e.attributes.length;d++)f[(h=e.attributes[d]).name]=h.value;for(d in f)h=f[d],d=="dangerouslySetInnerHTML"?m=h:d=="children"||d in w||d=="value"&&"defaultValue"in w||d=="checked"&&"defaultChecked"in w||ee(e,d,null,h,s);for(d in w)h=w[d],d=="children"?l=h:d=="dangerouslySetInnerHTML"?p=h:d=="value"?$=h:d=="checked"?g=h:c&&typeof h!="function"||f[d]===h||ee(e,d,h,f[d],s);p?(c||m&&(p.__html==m.__html||p.__html==e.innerHTML)||(e.innerHTML=p.__html),t.__k=[]):(m&&(e.textContent=""),(b=="foreignObject"||s=="http://www.w3.org/1998/Math/MathML"&&Ft.test(b))&&(s="http://www.w3.org/1999/xhtml"),Re(_,ue(l)?l:[l],t,n,r,s,i,a,i?i[0]:n.__k&&O(n,0),c,u),i&&i.some(E)),c&&b!="textarea"||(d="value",b=="progress"&&$==null?e.removeAttribute(d):$==null||$===e[d]&&(b!="progress"||$)||ee(e,d,$,f[d],s),d="checked",g!=null&&g!=e[d]&&ee(e,d,g,f[d],s))}else f===w||c&&e.data==w||(e.data=w);return e}function fe(e,t,n,r){try{typeof e=="function"?t?t.__x=e(t)||1:r&&(r=r.__c||r.__e)&&(t=r.__x)&&(r.__x=null,typeof t=="function"?t():e(null)):e.current=t}catch(s){v.__e(s,n)}}function he(e,t,n){var r,s,i,a;if(v.unmount&&v.unmount(e),!(r=e.ref)||r.current&&r.current!=e.__e||fe(r,null,t,e),r=e.__c){if(r.componentWillUnmount)try{r.componentWillUnmount()}catch(c){v.__e(c,t)}r.__P=r.__n=null}if(r=e.__k)for(a=0;a<r.length;a++)r[a]&&he(r[a],t,typeof e.type!="function"||n&&!e.props.__P);!n&&(r=e.__c)&&(r=r.__z)&&(s=re(r,i=[]))&&(r==e.__e&&i.some(E),E(s),E(r)),n||E(e.__e),e.__e=e.__c=e.__=null}function qt(e,t,n){return this.constructor(e,n)}function He(e,t){var n,r,s,i;v.__&&v.__(e,t),t.nodeType==9&&(t=t.documentElement),r=(n=e&&32&e.__u)?null:t.__k,t.__k=ne(S,{children:[e]}),s=[],i=[],_e(t,t.__k,r||se,se,t.namespaceURI,r?null:t.firstChild?Oe.call(t.childNodes):null,s,r?r.__e:t.firstChild,n,i),We(s,t.__k,i),t.__k.props.children=null}v={__e:function(e,t,n,r){for(var s,i,a;t=t.__;)if((s=t.__c)&&!(1&s.__g)){s.__g|=4;try{if((a=(i=s.constructor)&&i.getDerivedStateFromError)&&s.setState(i.getDerivedStateFromError(e)),s.componentDidCatch&&(s.componentDidCatch(e,r||{}),a=1),a&&8&s.__g)return void(s.__g|=2)}catch(c){e=c}}throw ie=0,e}},je=0,Ot=function(e){return e!=null&&e.constructor===V},oe.prototype.setState=function(e,t){var n=this.__s;n&&n!=this.state||(n=this.__s=U({},this.state)),typeof e=="function"&&(e=e(U({},n),this.props)),e&&(U(n,e),this.__v&&(t&&this.__k.push(t),De(this)))},oe.prototype.forceUpdate=function(e){this.__v&&(this.__g|=4,e&&this.__h.push(e),De(this))},oe.prototype.render=S,A=[],ie=0,Pe=function(e,t){return e.__v.__b-t.__v.__b},te=Symbol(),Ae=/(PointerCapture)$|Capture$/i,de=0,le={},Nt=0;var Bt=Symbol.for("pv"),Gt=0,An=Array.isArray;function o(e,t,n,r,s,i){t||(t={});var a,c,u=t;if("ref"in u&&typeof e!="function")for(c in u={},t)c=="ref"?a=t[c]:u[c]=t[c];var _={type:e,props:u,key:n,ref:a,__k:null,__:null,__b:0,__e:null,__c:null,constructor:Bt,__v:--Gt,__i:-1,__u:0};return(s||i)&&(_.__source=s,_.__self=i),v.vnode&&v.vnode(_),_}var qe={check:"M5 12.5 10 17.5 19 7",load:"M12 4v10M7 10l5 5 5-5M5 20h14",pause:"M9 6v12M15 6v12",clock:"M12 6v6l4 3M21 12a9 9 0 1 1-18 0a9 9 0 0 1 18 0",alert:"M12 4v10M12 19.5v.5",cross:"M6 6 18 18M18 6 6 18"},W={good:"check",busy:"load",idle:"clock",warn:"alert",bad:"cross"};function I({sign:e}){return o("svg",{class:"icon",viewBox:"0 0 24 24","aria-hidden":"true",children:o("path",{d:qe[e]})})}function Be(e){let t=\`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="\${Vt[e]}"/><path d="\${qe[W[e]]}" transform="translate(4 4)" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>\`;return\`data:image/svg+xml,\${encodeURIComponent(t)}\`}var Vt={good:"#18794e",busy:"#1d5fc4",idle:"#5b6472",warn:"#9a5b00",bad:"#c1292e"};var Ge=new Intl.NumberFormat("en");function C(e){return Ge.format(e)}function H(e,t,n=\`\${t}s\`){return\`\${C(e)} \${e===1?t:n}\`}function q(e){if(e>0&&e<.05)return"under 0.1/s";let t=e<9.95?1:0;return\`\${Ge.format(Number(e.toFixed(t)))}/s\`}function Ve(e){return\`\${Math.floor(e*100+1e-9)} %\`}function x(e){if(e>0&&e<.05)return"under 0.1 s";if(e<9.95)return\`\${Number(e.toFixed(1))} s\`;let t=Math.round(e),n=[];for(let[r,s]of zt){let i=Math.floor(t/s);t-=i*s;let a=n.length===0;if(!(a&&i===0)&&(n.push(i===0?"":\`\${i} \${r}\`),!a))break}return n.filter(r=>r!=="").join(" ")}var zt=[["d",86400],["h",3600],["min",60],["s",1]];function M(e,t){let n=new Date(e).toISOString(),[r="",s=""]=n.slice(0,19).split("T");return new Date(t).toISOString().startsWith(r)?s:\`\${r} \${s}\`}function ze(e,t){let[,n]=/^\\d{4}-.*(\\.\\d+)Z$/.exec(e)??[];return n===void 0?e:M(e,t)+n}function z(e,t){return Math.max(0,(Date.parse(t)-Date.parse(e))/1e3)}function k(e){return e.toWellFormed().replaceAll(/[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]/gu,t=>\`\\\\u{\${t.codePointAt(0)?.toString(16)}}\`)}var Xt={bad:"bad",warn:"warn",info:"idle"};function Xe({problems:e,at:t}){return e.length===0?null:o("section",{"aria-labelledby":"problems",children:[o("h2",{id:"problems",children:"Also to look at"}),o("ul",{class:"problems",children:e.map(n=>{let r=Xt[n.severity];return o("li",{class:"problem","data-mood":r,children:[o(I,{sign:W[r]}),o("div",{children:[o("h3",{children:k(n.title)}),o(pe,{problem:n,at:t})]})]},n.title)})})]})}function pe({problem:{detail:e,advice:t,command:n,since:r},at:s}){return o(S,{children:[r!==void 0&&o("p",{class:"quiet",children:["Since ",M(r,s),", for"," ",x(Math.round(z(r,s)))]}),e!==void 0&&o("p",{children:k(e)}),t!==void 0&&o(me,{text:t}),n!==void 0&&o("p",{children:o("code",{children:k(n)})})]})}function me({text:e}){return o("p",{children:[o("strong",{children:"What to do:"})," ",k(e)]})}function Ze({verdict:{mood:e,headline:t,detail:n,advice:r,problem:s},at:i}){return o("section",{class:"banner","data-mood":e,"aria-labelledby":"verdict",children:[o(I,{sign:W[e]}),o("div",{children:[o("h2",{id:"verdict",children:o("span",{role:"status",children:k(t)})}),s!==void 0&&i!==void 0&&o(pe,{problem:s,at:i}),n!==void 0&&o("p",{children:k(n)}),r!==void 0&&o(me,{text:r})]})]})}var ve,L,ge,Qe,Je=Object.is,ye=0,st=[],we=[],T=v,Ke=T.__b,Ye=T.__r,et=T.diffed,tt=T.__c,nt=T.unmount,ot=T.__;function Zt(e,t){T.__h&&T.__h(L,e,ye||t),ye=0;var n=L.__H||(L.__H={__:[],__h:[]});return e>=n.__.length&&n.__.push({}),n.__[e]}function at(e){return ye=1,Qt(ct,e)}function Qt(e,t,n){var r=Zt(ve++,2);if(r.t=e,!r.__c&&(r.__=[n?n(t):ct(void 0,t),function(i){var a=(r.__N||r.__)[0],c=r.t(a,i);Je(a,c)||(r.__N=[c,r.__[1]],r.__c.setState({}))}],r.__c=L,!L.__f)){L.__f=!0;var s=L.shouldComponentUpdate;L.shouldComponentUpdate=function(i,a,c){var u=this.__H;if(!u)return!0;var _=!1,d=this.props!=i;if(u.__.some(function(m){m.__N&&(_=!0,Je(m.__[0],m.__N[0])||(d=!0))}),s){var p=s.call(this,i,a,c);return _?p||d:p}return!_||d}}return r.__}function Jt(){var e;do{for(;e=we.shift();)try{X(e)}catch(n){T.__e(n,{__:(e=e.__P)&&e.__v})}for(;e=st.shift();){var t=e.__H;if(e.__P&&t)try{t.__h.some(X),t.__h.some(be),t.__h=[]}catch(n){t.__h=[],T.__e(n,e.__v)}}}while(we.length)}T.__b=function(e){L=null,Ke&&Ke(e)},T.__=function(e,t){e&&t.__k&&t.__k.__m&&(e.__m=t.__k.__m),ot&&ot(e,t)},T.__r=function(e){Ye&&Ye(e),ve=0;var t=(L=e.__c).__H;t&&(ge==L?L.__h=[]:(t.__h.some(X),t.__h.some(be),ve=0),t.__h=[],t.__.some(function(n){n.__N&&(n.__=n.__N),n.u=n.__N=void 0})),ge=L},T.diffed=function(e){et&&et(e);var t=e.__c;t&&t.__H&&(t.__H.__h.length&&it(st.push(t)),t.__H.__.some(function(n){n.u&&(n.__H=n.u)})),ge=L=null},T.__c=function(e,t){t.some(function(n){try{n.__h.some(X),n.__h=n.__h.filter(function(r){return!r.__||be(r)})}catch(r){n.__h=[function(){throw r}]}}),tt&&tt(e,t)},T.unmount=function(e){nt&&nt(e);var t,n,r=e.__c;r&&r.__H&&(r.__H.__.some(function(s){try{if(s.__P&&s.__c){if(n===void 0){for(n=e.__;n&&(!n.__c||!n.__c.__P);)n=n.__;n=n&&n.__c}s.__P=n,it(we.push(s))}else X(s)}catch(i){t=i}}),r.__H=void 0,t&&T.__e(t,r.__v))};var rt=typeof requestAnimationFrame=="function";function Kt(e){var t,n=function(){clearTimeout(r),rt&&cancelAnimationFrame(t),setTimeout(e)},r=setTimeout(n,35);rt&&(t=requestAnimationFrame(n))}function it(e){e!=1&&Qe==T.requestAnimationFrame||((Qe=T.requestAnimationFrame)||Kt)(Jt)}function X(e){var t=L,n=e.__c;typeof n=="function"&&(e.__c=void 0,n()),L=t}function be(e){var t=L;e.__c=e.__(),L=t}function ct(e,t){return typeof t=="function"?t(e):t}function lt(e,t){let n=[],r;for(let[s,i]of e.values.entries()){if(i===null){r=void 0;continue}r===void 0&&n.push(r=[]),r.push({x:xe(e,s),y:Math.min(i/t,1)})}return n}function xe({values:e,capacity:t},n){let r=Math.max(t,e.length,2)-1;return 1-(e.length-1-n)/r}function dt(e,t){let{values:n,capacity:r}=e;if(n.length===0)return;let s=Math.max(r,n.length,2)-1,i=n.length-1-Math.round((1-t)*s);return Math.min(Math.max(i,0),n.length-1)}function Se(e){let t=10**Math.floor(Math.log10(e)),n=Yt.find(r=>r*t>=e)??10;return Number((n*t).toPrecision(1))}var Yt=[1,2,4,5,6];function ut(e){return e<=10?Se(e):en.find(n=>n>=e)??Math.ceil(e/86400)*86400}var en=[15,20,30,40,60,120,300,600,900,1200,1800,2400,3600,7200,14400,21600,43200,86400];function _t(e,t){let n=[];for(let r=e.length;r>0;r-=t){let s=Math.max(0,r-t),i=e.slice(s,r).filter(c=>c!==null),a=i.reduce((c,u)=>c+u,0);n.push({from:e.length-s,to:e.length-r,mean:i.length===0?null:a/i.length,most:i.length===0?null:Math.max(...i)})}return n}var B=1e3,Z=100,tn=[600,1800,3600],ft=300;function ke(e){let{title:t,values:n,periodSeconds:r,leastTop:s,format:i,roundUp:a}=e,[c,u]=at(),_=tn.find(f=>f>=n.length*r)??3600,d=Math.round(_/r),p={values:n.slice(-d),capacity:d},m=p.values.filter(f=>f!==null),l=Math.max(s,...m),h=a(l),$=lt(p,h),g=c===void 0?void 0:dt(p,c);function y({currentTarget:f,clientX:w}){let{left:b,width:G}=f.getBoundingClientRect();u(Math.min(Math.max((w-b)/G,0),1))}return o("figure",{class:"chart",children:[o("figcaption",{children:[o("span",{class:"chart-title",children:t}),o("span",{class:"chart-value",children:g===void 0?ht(p.values,i):on(e,p,g)})]}),o("div",{class:"chart-area",children:[m.length===0?o("span",{class:"chart-empty",children:"The first value comes in a moment"}):o("span",{class:"chart-top","aria-hidden":"true",children:i(h)}),o("svg",{role:"img","aria-hidden":m.length===0,"aria-label":\`\${t} over the last \${x(_)}: \${ht(p.values,i)}\`,viewBox:\`0 0 \${B} \${Z}\`,preserveAspectRatio:"none",onPointerMove:y,onPointerLeave:()=>u(void 0),children:[o("path",{class:"chart-grid",d:\`M0 \${Z/2}H\${B}\`}),$.map((f,w)=>o("path",{class:"chart-fill",d:rn(f)},w)),$.map((f,w)=>o("path",{class:"chart-line",d:pt(f)},w)),g!==void 0&&o("path",{class:"chart-cursor",d:\`M\${B*xe(p,g)} 0V\${Z}\`})]})]}),o("p",{class:"chart-axis","aria-hidden":"true",children:[o("span",{children:[x(_)," ago"]}),o("span",{children:[x(_/2)," ago"]}),o("span",{children:"now"})]}),m.length>0&&o(nn,{...e,values:p.values})]})}function nn({title:e,values:t,periodSeconds:n,endedAt:r,format:s}){let i=Math.max(1,Math.round(ft/n)),a=u=>new Date(Date.parse(r)-u*n*1e3).toISOString(),c=u=>u===null?"not known":s(u);return o("details",{children:[o("summary",{children:[e," as a table"]}),o("table",{children:[o("caption",{class:"unseen",children:[e,", in stretches of ",x(ft)]}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"Until"}),o("th",{scope:"col",class:"number",children:"On average"}),o("th",{scope:"col",class:"number",children:"At most"})]})}),o("tbody",{children:_t(t,i).map(({to:u,mean:_,most:d})=>o("tr",{children:[o("th",{scope:"row",children:M(a(u),r)}),o("td",{class:"number",children:c(_)}),o("td",{class:"number",children:c(d)})]},u))})]})]})}function ht(e,t){let n=e.filter(i=>i!==null);if(n.length===0)return"";let r=e.at(-1)??null,s=\`\${t(Math.max(...n))} at most\`;return r===null?s:\`\${t(r)} now, \${s}\`}function on({periodSeconds:e,endedAt:t,format:n},{values:r},s){let i=r[s]??null,a=(r.length-1-s)*e*1e3,c=new Date(Date.parse(t)-a).toISOString(),u=i===null?"not known":n(i);return\`\${M(c,t)}: \${u}\`}function pt(e){let[t,...n]=e.map(({x:r,y:s})=>\`\${(r*B).toFixed(1)} \${((1-s)*Z).toFixed(1)}\`);return n.length===0?\`M\${t}h0\`:\`M\${t}L\${n.join("L")}\`}function rn(e){let t=((e[0]?.x??0)*B).toFixed(1),n=((e.at(-1)?.x??0)*B).toFixed(1);return\`\${pt(e)}L\${n} \${Z}H\${t}Z\`}function N({text:e}){return o("bdi",{class:"id",children:k(e).split(/(?<=[_./:-])/).flatMap((t,n)=>n===0?[t]:[o("wbr",{},n),t])})}function mt({report:e,loss:t},n){if(t!==void 0)return sn(t,e);if(e===void 0)return{mood:"busy",headline:"Asking the agent"};let[r]=n;return r?.severity==="bad"?{mood:"bad",headline:r.title,problem:r}:an(e)??cn(e.indexes)??ln(e,r)}function sn({reason:e,seconds:t},n){let r=\`\${x(Math.round(t))} ago\`;return{mood:"bad",headline:"The agent does not answer",detail:\`\${n===void 0?\`It has not answered since this page was opened, \${r}\`:\`It answered last at \${M(n.at,n.at)} UTC, \${r}\`}. Now \${e}.\`,advice:"Look whether its process runs, and at the end of its log. This page goes on asking"}}function an({role:e}){switch(e){case"standby":return{mood:"idle",headline:"Standby: another agent writes",detail:"This one takes over within seconds of the other's end. Nothing is to be done."};case"starting":return{mood:"busy",headline:"The agent is starting"};case"stopping":return{mood:"idle",headline:"The agent is stopping",detail:"It finishes what is in flight, and saves where it is."};case"none":return{mood:"idle",headline:"No agent writes"};case"writer":return}}function cn(e){let t=e.filter(({state:i})=>i==="loading"),[n]=t;if(n===void 0)return;let r=t.length===1?\`Loading \${n.name}\`:\`Loading \${H(t.length,"index","indexes")}\`,s=t.length===1?Q(n):void 0;return{mood:"busy",headline:r,...s&&{detail:s}}}function Q({load:e}){if(e===void 0)return;let{documents:t,total:n,share:r,leftSeconds:s}=e;if(n===void 0||r===void 0)return\`\${H(t,"document")} so far.\`;let i=s===void 0?"":\`, about \${x(Math.ceil(s))} left\`;return\`\${Ve(r)} of about \${C(n)} documents\${i}.\`}function ln({indexes:e,readiness:t},n){let r=dn(e);if(n!==void 0)return{mood:n.severity==="warn"?"warn":"idle",headline:n.title,...r,problem:n};let[s]=t.reasons;return s!==void 0?{mood:"busy",headline:"The agent is not ready yet",detail:\`\${s}.\`}:{mood:"good",headline:"All is well",...r}}function dn(e){let t=e.filter(({state:i})=>i==="following"),n=t.map(({lagSeconds:i})=>i).filter(i=>i!==void 0);if(n.length===0||n.length<t.length)return;let r=t.length===1?\`in \${t[0]?.name}\`:\`in all \${t.length} followed indexes\`;return{detail:\`Whatever was committed more than \${x(Math.max(1,Math.ceil(Math.max(...n))))} ago is \${r}.\`}}var un={next:"Next: is to be searched once it is full and compared",old:"Old: was searched before, and is kept"},$e=2e4;function gt({deadLetters:{count:e,newest:t},at:n}){if(e===0)return null;let r=t.length<e;return o(S,{children:[o("h4",{children:"Dead letters"}),o("table",{children:[o("caption",{children:[H(e,"document")," refused for good",r&&t.length>0&&o(S,{children:[", the newest ",t.length]})]}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"Document"}),o("th",{scope:"col",children:"Refused by"}),o("th",{scope:"col",class:"time",children:"At"})]})}),o("tbody",{children:t.map(s=>o(_n,{letter:s,today:n},s.id))})]})]})}function _n({letter:{id:e,type:t,field:n,at:r,document:s},today:i}){let a=e===""?"(an empty text)":e;return o(S,{children:[o("tr",{children:[o("th",{scope:"row",children:o(N,{text:a})}),o("td",{children:[o(N,{text:t}),n!==void 0&&o(S,{children:[" ","in field ",o(N,{text:n})]})]}),o("td",{class:"time",children:M(r,i)})]}),s!==void 0&&o("tr",{class:"more",children:o("td",{colSpan:3,children:o("details",{children:[o("summary",{children:["What was sent",o("span",{class:"unseen",children:["of ",k(a)]})]}),o("pre",{children:fn(k(s))})]})})})]})}function fn(e){return e.length<=$e?e:\`\${e.slice(0,$e)} \\u2026 and \${C(e.length-$e)} characters more\`}function vt({errors:e,at:t}){return e.length===0?null:o(S,{children:[o("h4",{children:"Last errors"}),o("table",{children:[o("caption",{children:"The latest of each kind since the agent started"}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"What, and what to do"}),o("th",{scope:"col",class:"time",children:"Last"})]})}),o("tbody",{children:e.map(({kind:n,message:r,advice:s,count:i,lastAt:a})=>o("tr",{children:[o("th",{scope:"row",children:[k(r),o("span",{class:"quiet",children:k(s)})]}),o("td",{class:"time",children:[M(a,t),i>1&&o("span",{class:"quiet",children:[C(i)," times"]})]})]},\`\${n} \${r}\`))})]})]})}function yt({tables:e,at:t}){return e.length===0?null:o(S,{children:[o("h4",{children:"Watched tables"}),o("table",{children:[o("caption",{children:"Changes up to here are in the index"}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"Table"}),o("th",{scope:"col",children:"Up to"}),o("th",{scope:"col",class:"number",children:"Ago"})]})}),o("tbody",{children:e.map(({name:n,watermark:r,lagSeconds:s})=>o("tr",{children:[o("th",{scope:"row",children:o(N,{text:n})}),o("td",{children:r===void 0?"not known":ze(r,t)}),o("td",{class:"number",children:s===void 0?"\\u2013":x(s)})]},n))})]})]})}function wt({generations:e,at:t}){return e===void 0||e.length===0?null:o(S,{children:[o("h4",{children:"Other indexes of this name"}),o("table",{children:[o("caption",{children:"Physical indexes beside the one that is followed"}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"Index"}),o("th",{scope:"col",children:"Role"}),o("th",{scope:"col",class:"time",children:"Since"})]})}),o("tbody",{children:e.map(({name:n,role:r,since:s,load:i})=>o("tr",{children:[o("th",{scope:"row",children:o(N,{text:n})}),o("td",{children:[un[r],i!==void 0&&o("span",{class:"quiet",children:["Load: ",Q({load:i})]})]}),o("td",{class:"time",children:M(s,t)})]},n))})]})]})}var Me={waiting:{mood:"idle",sign:"clock",word:"Waits"},loading:{mood:"busy",sign:"load",word:"Loads"},following:{mood:"good",sign:"check",word:"Follows"},paused:{mood:"idle",sign:"pause",word:"Paused"},failed:{mood:"bad",sign:"cross",word:"Failed"}};function bt({index:e,id:t,at:n}){let{name:r,physicalIndex:s,state:i,reason:a,history:c,lastPass:u}=e,{mood:_,sign:d,word:p}=Me[i],{periodSeconds:m,endedAt:l}=c,h={periodSeconds:m,endedAt:l};return o("section",{class:"index",id:t,"aria-labelledby":\`\${t}-name\`,children:[o("header",{children:[o("h3",{id:\`\${t}-name\`,children:o("bdi",{children:k(r)})}),o("p",{class:"state","data-mood":_,children:[o(I,{sign:d})," ",p]}),s!==void 0&&s!==r&&o("p",{class:"quiet",children:["as ",o(N,{text:s})]})]}),a!==void 0&&o("p",{children:k(a)}),o(hn,{index:e,at:n}),o(pn,{index:e}),o("div",{class:"charts",children:[o(ke,{...h,title:"Documents a second",values:c.perSecond,leastTop:1,format:q,roundUp:Se}),o(ke,{...h,title:"Lag",values:c.lagSeconds,leastTop:1,format:x,roundUp:ut})]}),o(gt,{deadLetters:e.deadLetters,at:n}),o(vt,{errors:e.errors,at:n}),o(wt,{generations:e.generations,at:n}),u!==void 0&&o(S,{children:[o("h4",{children:"Last pass"}),o("p",{children:mn(u,n)})]}),o(yt,{tables:e.tables,at:n})]})}function hn({index:e,at:t}){let{load:n,name:r}=e;if(n===void 0)return null;let{documents:s,share:i,perSecond:a,startedAt:c}=n;return o("div",{class:"load",children:[o("progress",{"aria-label":\`Full load of \${r}\`,...i===void 0?{}:{value:i}}),o("p",{children:["Full load: ",Q(e)," ",o("span",{class:"quiet",children:[C(s)," done since ",M(c,t),","," ",q(a)]})]})]})}function pn({index:e}){let{lagSeconds:t,perSecond:n,documents:r,deadLetters:s}=e,{written:i,superseded:a}=r;return o("dl",{class:"figures",children:[o(J,{name:"Lag",value:t===void 0?"not known":x(t)}),o(J,{name:"Rate, last minute",value:q(n)}),o(J,{name:"Written",value:C(i)}),o(J,{name:"Superseded",value:C(a)}),o(J,{name:"Dead letters",value:C(s.count),isWarning:s.count>0})]})}function J({name:e,value:t,isWarning:n=!1}){return o("div",{class:n?"figure warning":"figure",children:[o("dt",{children:e}),o("dd",{children:t})]})}function mn({kind:e,startedAt:t,seconds:n,written:r,superseded:s,rejected:i,finished:a},c){let u=e==="load"?"A full load":"Changes",_=a?"":", cut short";return\`\${u} at \${M(t,c)}, in \${x(n)}\${_}: \${C(r)} written, \${C(s)} superseded, \${C(i)} refused.\`}function xt({indexes:e,anchorOf:t}){return o("table",{class:"overview",children:[o("caption",{class:"unseen",children:"All indexes"}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"Index"}),o("th",{scope:"col",children:"State"}),o("th",{scope:"col",class:"number",children:"Lag"}),o("th",{scope:"col",class:"number wide",children:"Last minute"}),o("th",{scope:"col",class:"number",children:"Dead letters"})]})}),o("tbody",{children:e.map((n,r)=>o(gn,{index:n,anchor:t(r)},n.name))})]})}function gn({index:e,anchor:t}){let{name:n,state:r,lagSeconds:s,perSecond:i,deadLetters:a}=e,{mood:c,sign:u,word:_}=Me[r];return o("tr",{children:[o("th",{scope:"row",children:o("a",{href:\`#\${t}\`,children:o("bdi",{children:k(n)})})}),o("td",{class:"state","data-mood":c,children:[o(I,{sign:u})," ",_]}),o("td",{class:"number",children:s===void 0?"\\u2013":x(s)}),o("td",{class:"number wide",children:q(i)}),o("td",{class:"number",children:C(a.count)})]})}var vn={unknown:{mood:"idle",word:"Not asked yet"},reached:{mood:"good",word:"Answers"},lost:{mood:"bad",word:"Does not answer"}},yn={starting:{mood:"busy",word:"Is starting"},standby:{mood:"idle",word:"Waits as a standby"},writer:{mood:"good",word:"Writes"},stopping:{mood:"idle",word:"Is stopping"},none:{mood:"idle",word:"Does not run"}};function kt({report:e,isLost:t}){let{servers:n,at:r,role:s,since:i,startedAt:a,version:c}=e,{oldestTransactionSeconds:u}=n.postgresql,{mood:_,word:d}=t?{mood:"bad",word:"Does not answer"}:yn[s];return o("section",{"aria-labelledby":"servers",children:[o("h2",{id:"servers",class:"unseen",children:"Servers"}),o("ul",{class:"servers",children:[o(St,{name:"PostgreSQL",server:n.postgresql,at:r,children:u!==void 0&&o("p",{children:["Oldest open transaction:"," ",x(u)]})}),o($t,{name:"pg2es",mood:_,word:d,since:t?void 0:i,at:r,children:o("p",{children:["Version ",c,a!==void 0&&o(S,{children:[", up ",x(Math.round(z(a,r)))]})]})}),o(St,{name:"Elasticsearch",server:n.elasticsearch,at:r})]})]})}function St({name:e,server:{state:t,since:n,lastError:r},at:s,children:i}){let{mood:a,word:c}=vn[t];return o($t,{name:e,mood:a,word:c,since:n,at:s,children:[i,t==="reached"&&r!==void 0&&o("p",{children:["Last failure at ",M(r.lastAt,s)]})]})}function $t({name:e,mood:t,word:n,since:r,at:s,children:i}){return o("li",{class:"card","data-mood":t,children:[o("header",{children:[o("h3",{children:e}),o("p",{class:"state",children:[o(I,{sign:W[t]})," ",n]})]}),r!==void 0&&o("p",{children:["For ",x(Math.round(z(r,s))),", since"," ",M(r,s)]}),i]})}function Tt({feed:{report:e,loss:t},verdict:n,problems:r}){let s=t!==void 0;return o(S,{children:[o("header",{class:"top",children:[o("h1",{children:"pg2es"}),e!==void 0&&o("p",{class:"quiet",children:[s?"As it was at":"As of"," ",o("time",{datetime:e.at,children:[M(e.at,e.at)," UTC"]})]})]}),o("main",{children:[o(Ze,{verdict:n,at:e?.at}),e!==void 0&&o("div",{class:s?"report stale":"report",children:[o(Xe,{problems:r.filter(i=>i!==n.problem),at:e.at}),o(kt,{report:e,isLost:s}),o(wn,{report:e})]})]}),o("footer",{children:o("p",{children:["All times are UTC, by the agent's clock. This page asks the agent every two seconds, and changes nothing. What it asks for:"," ",o("a",{href:"status",children:"status"}),". For Prometheus:"," ",o("a",{href:"metrics",children:"metrics"}),"."]})})]})}function wn({report:e}){let{indexes:t,at:n}=e;return o("section",{"aria-labelledby":"indexes",children:[o("h2",{id:"indexes",class:t.length>1?"":"unseen",children:"Indexes"}),t.length>1&&o(xt,{indexes:t,anchorOf:Mt}),t.map((r,s)=>o(bt,{index:r,id:Mt(s),at:n},r.name))]})}function Mt(e){return\`index-\${e+1}\`}function Lt(e){let t,n=Date.now(),r,s=!1;async function i(){if(s)return;s=!0;let c=Date.now();try{t=await bn(),n=Date.now(),e({report:t})}catch(u){let _=(Date.now()-n)/1e3,d={reason:Sn(u),seconds:_};e(t===void 0?{loss:d}:{report:t,loss:d})}s=!1,a(Math.max(0,c+2e3-Date.now()))}function a(c){clearTimeout(r),document.visibilityState!=="hidden"&&(r=setTimeout(i,c))}document.addEventListener("visibilitychange",()=>a(0)),a(0)}var K=class extends Error{};async function bn(){let e=await fetch("status",{cache:"no-store",signal:AbortSignal.timeout(5e3)});if(!e.ok)throw new K(\`it answers \${e.status}\`);let t=await e.text(),n=xn(t);if(n!==void 0)return n;throw new K("something else answers there")}function xn(e){try{let t=JSON.parse(e);return typeof t?.version=="string"?t:void 0}catch{return}}function Sn(e){return e instanceof K?e.message:e instanceof DOMException&&e.name==="TimeoutError"?\`nothing comes within \${5e3/1e3} seconds\`:"no connection can be made"}var kn=300,$n=60;function It(e){let{servers:t,indexes:n,health:r}=e,s=[...Dt("PostgreSQL",t.postgresql),...Dt("Elasticsearch",t.elasticsearch),...n.flatMap(Tn),...Mn(t.postgresql.oldestTransactionSeconds)];return!r.ok&&!s.some(({severity:i})=>i==="bad")&&s.push(...r.reasons.map(i=>({severity:"bad",title:i,advice:"Restart the agent: it goes on where it was. Its log says more"}))),s.toSorted((i,a)=>Ct(i)-Ct(a))}function Ct({severity:e}){return["bad","warn","info"].indexOf(e)}function Dt(e,{state:t,since:n,lastError:r}){if(t!=="lost")return[];let s=r?.kind==="server-refused",i=r&&{detail:r.message};return[{severity:"bad",title:s?\`\${e} refuses the agent\`:\`\${e} does not answer\`,...i,advice:r?.advice??"Start the server, or mend the network; the agent goes on by itself",since:n}]}function Mn(e=0){return e<kn?[]:[{severity:"warn",title:"A transaction in PostgreSQL stays open",detail:"What it changes is found when it ends; nothing is lost.",advice:"Look at pg_stat_activity, and end the transaction where nobody needs it"}]}function Tn(e){let{name:t,state:n,pausedSince:r,deadLetters:s,lagSeconds:i=0}=e,a=[];return(n==="failed"||n==="waiting")&&a.push(...Ln(e,n)),n==="following"&&i>$n&&a.push({severity:"warn",title:\`\${t} is behind\`,detail:"Changes wait for others that are on their way.",advice:"Nothing while its lag falls, as after an outage; else look at what is slow: both servers, and the query of a document. With a fetch_delay of a minute and more it is as it is to be"}),s.count>0&&a.push(Dn(s.count,t)),n==="paused"&&a.push({severity:"info",title:\`\${t} is paused\`,detail:"It stays as it is until it is resumed.",command:\`pg2es resume --index \${jt(t)}\`,...r===void 0?{}:{since:r}}),a}function Ln({name:e,reason:t,errors:n},r){let s=n.find(({message:d})=>d===t);if(r==="failed")return[{severity:"bad",title:\`\${e} has failed, and the agent ends\`,...t===void 0?{}:{detail:t},advice:s?.advice??"Look at the last lines of the agent's log"}];if(s===void 0||Cn(s))return[];let{kind:i,message:a,advice:c,firstAt:u}=s,_=i==="sink-busy";return[{severity:_?"warn":"bad",title:_?\`\${e} is held up\`:\`\${e} stands still\`,detail:a,advice:c,since:u}]}function Cn({kind:e}){return e==="server-unavailable"||e==="server-refused"}function Dn(e,t){return{severity:"warn",title:\`\${H(e,"document")} of \${t} \${e===1?"is":"are"} refused\`,detail:"They are dead letters: all other documents go on.",advice:"Mend the mapping, the query or the rows, then take them up again",command:\`pg2es replay --index \${jt(t)}\`}}function jt(e){return/^[\\w.-]+$/.test(e)?e:\`'\${e.replaceAll("'","'\\\\''")}'\`}var Pt=document.querySelector("#root"),In=document.querySelector("link[rel=icon]"),Te;function At(e){let{report:t}=e;if(t!==void 0){if(Te!==void 0&&Te!==t.version){location.reload();return}Te=t.version}let n=t===void 0?[]:It(t),r=mt(e,n);document.title=\`\${k(r.headline)} \\u2013 pg2es\`,In?.setAttribute("href",Be(r.mood)),Pt!==null&&He(o(Tt,{feed:e,verdict:r,problems:n}),Pt)}At({});Lt(At);
</script>
  </body>
</html>
`;

/** The hash of its only script, as a policy names it. */
export const SCRIPT_HASH = "sha256-BOuZS5jpbBywQAa36YwNLlQGYncaIGsFJfPfZidMEo8=";

/** The hash of its only style. */
export const STYLE_HASH = "sha256-HAgJ+p/WwnugdT2Cf96GrtdnLOpchJWwtL89C11IAdw=";
