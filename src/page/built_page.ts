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
var v,Pe,Et,A,ce,se,Ae,ne,Ne,ue,de,Ft,X=Symbol.for("pv"),ae={},le=[],Rt=/^m(i|n|o|s|text|space)$/,_e=Array.isArray,Oe=le.slice,U=Object.assign;function R(e){e&&e.parentNode&&e.remove()}function oe(e,t,n,r,s){var i={type:e,props:t,key:n,ref:r,__k:null,__:null,__b:0,__e:null,__c:null,constructor:X,__v:s||++Pe,__i:-1,__u:0};return!s&&v.vnode&&v.vnode(i),i}function S(e){return e.children}function re(e,t){this.props=e,this.context=t,this.__g=0}function N(e,t){if(t==null)return e.__&&N(e.__,e.__i+1);for(var n;t<e.__k.length;t++)if((n=e.__k[t])&&n.__e)return n.__e;return typeof e.type!="function"||e.props.__P?null:N(e)}function Ut(e){var t,n=e.__v,r=n.__e,s=[],i=[],l=e.__P;l&&((t=U({constructor:X},n)).__v=n.__v+1,v.vnode&&v.vnode(t),fe(l,t,n,e.__n,l.namespaceURI,32&n.__u?[r]:null,s,r||N(n),32&n.__u,i),t.__v=n.__v,t.__.__k[t.__i]=t,He(s,t,i),n.__=n.__e=null,t.__e!=r&&Ee(t))}function Ee(e){if((e=e.__)&&e.__c&&!e.props.__P)return e.__e=null,e.__k.some(function(t){return t&&(e.__e=t.__e)}),Ee(e)}function De(e){(8&e.__g||(e.__g|=8,A.push(e),se++))&&ce==v.debounceRendering||((ce=v.debounceRendering)||queueMicrotask)(Fe)}function Fe(){try{for(var e,t=1;A.length;)A.length>t&&A.sort(Ae),e=A.shift(),t=A.length,8&e.__g&&Ut(e)}finally{(se=A.length)&&(ce||queueMicrotask)(Fe)}}function Re(e,t,n,r,s,i,l,a,u,_,d){var p,m,c,h,$,g,y=r.__k||le,f=t.length;for(u=Wt(n,t,y,u,f),p=0;p<f;p++)(c=n.__k[p])!=null&&(m=~c.__i&&y[c.__i]||ae,c.__i=p,g=fe(e,c,m,s,i,l,a,u,_,d),h=c.__e,(m.ref!=c.ref||8&m.__u)&&(m.ref&&he(m.ref,null,c,m),c.ref&&d.push(c.ref,c.__c||h,c)),$=$||h,4&c.__u?(u=Ue(c,u,e,!m.__v),m.__e&&(m.__e=null)):typeof c.type=="function"&&g!==void 0?u=g:h&&(u=h.nextSibling),c.__u&=-21);return n.__e=$,u}function Wt(e,t,n,r,s){var i,l,a,u,_,d,p,m,c,h=n.length,$=h,g=0,y=0,f=e.__k=Array(s);for(i=0;i<s;i++)(l=t[i])!=null&&typeof l!="boolean"&&typeof l!="function"?(typeof l!="object"||l.constructor===String?l=f[i]=oe(null,l):_e(l)?l=f[i]=oe(S,{children:l}):l.constructor===X&&l.__b?l=f[i]=oe(l.type,l.props,l.key,l.ref,l.__v):f[i]=l,u=i+g,l.__=e,l.__b=e.__b+1,a=null,~(_=l.__i=Ht(l,n,u,$))&&($--,(a=n[_])&&(a.__u|=2)),a&&a.__v?(l.__u|=16,_==u-1?g--:_==u+1?g++:_!=u&&(_>u?g--:g++,y=1)):(~_||(s>h?g--:s<h&&g++),typeof l.type!="function"&&(l.__u|=4))):f[i]=null;if(y){for(d=[],p=[],i=0;i<s;i++)if((l=f[i])&&16&l.__u){for(g=0,m=d.length;g<m;)d[c=g+m>>1]<l.__i?g=c+1:m=c;d[g]=l.__i,p[i]=g+1}for(g=d.length;i--;)p[i]&&(p[i]==g?g--:f[i].__u|=4)}if($)for(i=0;i<h;i++)!(a=n[i])||2&a.__u||(a.__e==r&&(r=N(a)),pe(a,a));return r}function Ue(e,t,n,r){var s,i,l,a;if(typeof e.type=="function"){if(e.props.__P)return t;if(s=e.__k)for(i=0;i<s.length;i++)s[i]&&(s[i].__=e,t=Ue(s[i],t,n,!1));return t}for(t&&!t.parentNode&&(t=N(e))&&!t.parentNode&&(t=null),l=e.__e,a=t;a&&a.nodeType==8;)a=a.nextSibling;for(l!=a&&(!r&&n.moveBefore&&l.parentNode?n.moveBefore(l,t):n.insertBefore(l,t||null)),t=l;(t=t&&t.nextSibling)&&t.nodeType==8&&!t.data.startsWith("$s"););return t}function Ht(e,t,n,r){var s,i=e.key,l=e.type,a=t[n],u=a&&!(2&a.__u);if(a===null&&i==null||u&&i==a.key&&l==a.type)return n;if(r>(u?1:0)){for(s=n-1;s>=0;s--)if((a=t[s])&&!(2&a.__u)&&i==a.key&&l==a.type)return s;for(s=n+1;s<t.length;s++)if((a=t[s])&&!(2&a.__u)&&i==a.key&&l==a.type)return s}return-1}function je(e,t,n){n==null&&(n=""),t[0]=="-"?e.setProperty(t,n):e[t]=n}function te(e,t,n,r,s){var i,l;if(t=="style")if(typeof n=="string")e.style.cssText=n;else{if(typeof r=="string"&&(e.style.cssText=r=""),r)for(t in r)n&&t in n||je(e.style,t);if(n)for(t in n)r&&n[t]==r[t]||je(e.style,t,n[t])}else if(t[0]=="o"&&t[1]=="n")typeof n!="function"&&(n=null),typeof r!="function"&&(r=null),(e.__e||(e.__e={}))[t]=n,n&&r||(l=de[t]||(de[t]=qt(t)),(e.__a||(e.__a={}))[t]=ue,i=t!=(t=t.replace(Ne,"$1")),(t=t.slice(2))[0]<"a"&&(t=t.toLowerCase()),n?e.addEventListener(t,l,i):e.removeEventListener(t,l,i));else{if(s=="http://www.w3.org/2000/svg")t=t.replace(/xlink(H|:h)/,"h").replace(/sName$/,"s");else if(t!="width"&&t!="height"&&t!="href"&&t!="list"&&t!="form"&&t!="tabIndex"&&t!="download"&&t!="rowSpan"&&t!="colSpan"&&t!="role"&&t!="popover"&&t in e)try{return void(e[t]=n??"")}catch{}if(typeof n=="function")return;n==null||n===!1&&t[4]!="-"?e.removeAttribute(t):e.setAttribute(t,t=="popover"&&n==1?"":n)}}function qt(e){return function(t){var n=this.__e;if(n){if(n=n[e],t[ne]==null)t[ne]=ue++;else if(t[ne]<this.__a[e])return;return n(v.event?v.event(t):t)}}}function fe(e,t,n,r,s,i,l,a,u,_){var d,p,m,c,h,$,g,y,f,w,b,z,Ce,ee,E,Ie,P,F,j=t.type;if(t.constructor!==X)return null;128&n.__u&&(u=32&n.__u,d=n.__c.__z)&&(t.__u|=u,p=i=[],d.nodeType==8?a=ie(d,i):i.push(d),a=i[0]||a),(d=v.__b)&&d(t);e:if(typeof j=="function"){m=l.length;try{if(y=t.props,f=(d=j.prototype)&&d.render,w=(d=j.contextType)&&r[d.__c],b=d?w?w.props.value:d.__:r,(c=n.__c)?(t.__c=c,2&c.__g&&(c.__g|=1)):(f?t.__c=c=new j(y,b):(t.__c=c=new re(y,b),c.constructor=j,c.render=Gt),w&&w.sub(c),c.state||(c.state={}),c.__n=r,c.__g|=8,c.__h=[],c.__k=[]),f&&(c.__s||(c.__s=c.state),j.getDerivedStateFromProps&&(c.__s==c.state&&(c.__s=U({},c.__s)),U(c.__s,j.getDerivedStateFromProps(y,c.__s)))),h=c.props,$=c.state,c.__v=t,n.__c){if(y!==h&&f&&!j.getDerivedStateFromProps&&c.componentWillReceiveProps&&c.componentWillReceiveProps(y,b),t.__v==n.__v&&!(8&c.__g)||!(4&c.__g)&&c.shouldComponentUpdate&&c.shouldComponentUpdate(y,c.__s,b)===!1){t.__v!=n.__v&&(c.props=y,c.state=c.__s,c.__g&=-9),t.__e=n.__e,t.__k=n.__k,t.__k.some(function(I){I&&(I.__=t)}),le.push.apply(c.__h,c.__k),c.__k=[],c.__h.length&&l.push(c),a=N(n);break e}c.componentWillUpdate&&c.componentWillUpdate(y,c.__s,b),f&&c.componentDidUpdate&&c.__h.push(function(){c.componentDidUpdate(h,$,g)})}else f&&!j.getDerivedStateFromProps&&c.componentWillMount&&c.componentWillMount(),f&&c.componentDidMount&&c.__h.push(c.componentDidMount);c.context=b,c.props=y,c.__P=e,c.__g&=-5,z=v.__r,Ce=f?25:0;do c.__g&=-9,z&&z(t),d=c.render(c.props,c.state=c.__s,c.context);while(8&c.__g&&++Ce<25);f&&(le.push.apply(c.__h,c.__k),c.__k=[]),c.state=c.__s,c.getChildContext&&(r=U({},r,c.getChildContext())),f&&n.__c&&c.getSnapshotBeforeUpdate&&(g=c.getSnapshotBeforeUpdate(h,$)),ee=d&&d.type===S&&d.key==null?d.props.children:d,y.__P&&(d=a,s=(e=y.__P).namespaceURI,u=i=null,n.props&&n.props.__P!=e&&(n.__k.some(function(I){I&&pe(I,I)}),n.__k=null),a=n.__k?N(n,0):null),a=Re(e,_e(ee)?ee:[ee],t,n,r,s,i,l,a,u,_),y.__P&&(t.__e=null,a=d),t.__u&=-161,p&&p.some(R),c.__h.length&&l.push(c),1&c.__g&&(c.__g&=-4)}catch(I){if(l.length=m,t.__v=null,u||i)if(I&&I.then){if(t.__u|=128|u,i){for(~(P=i.indexOf(a||void 0))||(P=i.length);(F=i[P-1])&&F.nodeType==8;)P--;for(;P<i.length;P++)if(F=i[P])if(i[P]=null,E){if(F==Ie)break}else{if(F.nodeType!=8)break;F.data.startsWith("$s")&&(Ie=ie(E=F))}}if(!E){for(;a&&a.nodeType==8&&a.nextSibling;)a=a.nextSibling;E=a}(d=ie(E=t.__c.__z||(t.__c.__z=E)))?(t.__e=E,a=d):t.__e=a,a=a&&a.nextSibling}else i&&i.some(R);else t.__e=n.__e;t.__k||(t.__k=n.__k||[]),I&&I.then||We(t),v.__e(I,t,n)}}else a=t.__e=Bt(n.__e,t,n,r,s,i,l,u,_,e);return(d=v.diffed)&&d(t),a}function ie(e,t){if(e&&e.nodeType==8&&e.data.startsWith("$s"))for(var n=1;e=e.nextSibling;){if(e.nodeType==8){if(e.data.startsWith("$s"))n++;else if(e.data.startsWith("/$s")&&!--n)return e}t&&t.push(e)}}function We(e){e&&(e.__c&&(e.__c.__g|=4),e.__k&&e.__k.some(We))}function He(e,t,n){for(var r=0;r<n.length;)he(n[r++],n[r++],n[r++]);v.__c&&v.__c(t,e),e.some(function(s){try{e=s.__h,s.__h=[],e.some(function(i){i.call(s)})}catch(i){v.__e(i,s.__v)}})}function Bt(e,t,n,r,s,i,l,a,u,_){var d,p,m,c,h,$,g,y,f=n.props||ae,w=t.props,b=t.type;if(b=="svg"?s="http://www.w3.org/2000/svg":b=="math"?s="http://www.w3.org/1998/Math/MathML":s||(s="http://www.w3.org/1999/xhtml"),i){for(d=0;d<i.length;d++)if((h=i[d])&&(b?h.localName==b:h.nodeType==3)){e=h,i[d]=null;break}}if(!e){if(y=_.ownerDocument||document,!b)return y.createTextNode(w);e=y.createElementNS(s,b,w.is?w:_),a&&(v.__m&&v.__m(t,i),a=!1),i=null}if(b){if(_=b=="template"&&e.content||e,i=b=="textarea"&&w.defaultValue!=null?null:i&&Oe.call(_.childNodes),!a&&i)for(f={},d=0;d<e.attributes.length;d++)f[(h=e.attributes[d]).name]=h.value;for(d in f)h=f[d],d=="dangerouslySetInnerHTML"?m=h:d=="children"||d in w||d=="value"&&"defaultValue"in w||d=="checked"&&"defaultChecked"in w||te(e,d,null,h,s);for(d in w)h=w[d],d=="children"?c=h:d=="dangerouslySetInnerHTML"?p=h:d=="value"?$=h:d=="checked"?g=h:a&&typeof h!="function"||f[d]===h||te(e,d,h,f[d],s);p?(a||m&&(p.__html==m.__html||p.__html==e.innerHTML)||(e.innerHTML=p.__html),t.__k=[]):(m&&(e.textContent=""),(b=="foreignObject"||s=="http://www.w3.org/1998/Math/MathML"&&Rt.test(b))&&(s="http://www.w3.org/1999/xhtml"),Re(_,_e(c)?c:[c],t,n,r,s,i,l,i?i[0]:n.__k&&N(n,0),a,u),i&&i.some(R)),a&&b!="textarea"||(d="value",b=="progress"&&$==null?e.removeAttribute(d):$==null||$===e[d]&&(b!="progress"||$)||te(e,d,$,f[d],s),d="checked",g!=null&&g!=e[d]&&te(e,d,g,f[d],s))}else f===w||a&&e.data==w||(e.data=w);return e}function he(e,t,n,r){try{typeof e=="function"?t?t.__x=e(t)||1:r&&(r=r.__c||r.__e)&&(t=r.__x)&&(r.__x=null,typeof t=="function"?t():e(null)):e.current=t}catch(s){v.__e(s,n)}}function pe(e,t,n){var r,s,i,l;if(v.unmount&&v.unmount(e),!(r=e.ref)||r.current&&r.current!=e.__e||he(r,null,t,e),r=e.__c){if(r.componentWillUnmount)try{r.componentWillUnmount()}catch(a){v.__e(a,t)}r.__P=r.__n=null}if(r=e.__k)for(l=0;l<r.length;l++)r[l]&&pe(r[l],t,typeof e.type!="function"||n&&!e.props.__P);!n&&(r=e.__c)&&(r=r.__z)&&(s=ie(r,i=[]))&&(r==e.__e&&i.some(R),R(s),R(r)),n||R(e.__e),e.__e=e.__c=e.__=null}function Gt(e,t,n){return this.constructor(e,n)}function qe(e,t){var n,r,s,i;v.__&&v.__(e,t),t.nodeType==9&&(t=t.documentElement),r=(n=e&&32&e.__u)?null:t.__k,t.__k=oe(S,{children:[e]}),s=[],i=[],fe(t,t.__k,r||ae,ae,t.namespaceURI,r?null:t.firstChild?Oe.call(t.childNodes):null,s,r?r.__e:t.firstChild,n,i),He(s,t.__k,i),t.__k.props.children=null}v={__e:function(e,t,n,r){for(var s,i,l;t=t.__;)if((s=t.__c)&&!(1&s.__g)){s.__g|=4;try{if((l=(i=s.constructor)&&i.getDerivedStateFromError)&&s.setState(i.getDerivedStateFromError(e)),s.componentDidCatch&&(s.componentDidCatch(e,r||{}),l=1),l&&8&s.__g)return void(s.__g|=2)}catch(a){e=a}}throw se=0,e}},Pe=0,Et=function(e){return e!=null&&e.constructor===X},re.prototype.setState=function(e,t){var n=this.__s;n&&n!=this.state||(n=this.__s=U({},this.state)),typeof e=="function"&&(e=e(U({},n),this.props)),e&&(U(n,e),this.__v&&(t&&this.__k.push(t),De(this)))},re.prototype.forceUpdate=function(e){this.__v&&(this.__g|=4,e&&this.__h.push(e),De(this))},re.prototype.render=S,A=[],se=0,Ae=function(e,t){return e.__v.__b-t.__v.__b},ne=Symbol(),Ne=/(PointerCapture)$|Capture$/i,ue=0,de={},Ft=0;var Vt=Symbol.for("pv"),zt=0,Rn=Array.isArray;function o(e,t,n,r,s,i){t||(t={});var l,a,u=t;if("ref"in u&&typeof e!="function")for(a in u={},t)a=="ref"?l=t[a]:u[a]=t[a];var _={type:e,props:u,key:n,ref:l,__k:null,__:null,__b:0,__e:null,__c:null,constructor:Vt,__v:--zt,__i:-1,__u:0};return(s||i)&&(_.__source=s,_.__self=i),v.vnode&&v.vnode(_),_}var Be={check:"M5 12.5 10 17.5 19 7",load:"M12 4v10M7 10l5 5 5-5M5 20h14",pause:"M9 6v12M15 6v12",clock:"M12 6v6l4 3M21 12a9 9 0 1 1-18 0a9 9 0 0 1 18 0",alert:"M12 4v10M12 19.5v.5",cross:"M6 6 18 18M18 6 6 18"},W={good:"check",busy:"load",idle:"clock",warn:"alert",bad:"cross"};function D({sign:e}){return o("svg",{class:"icon",viewBox:"0 0 24 24","aria-hidden":"true",children:o("path",{d:Be[e]})})}function Ge(e){let t=\`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="\${Xt[e]}"/><path d="\${Be[W[e]]}" transform="translate(4 4)" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>\`;return\`data:image/svg+xml,\${encodeURIComponent(t)}\`}var Xt={good:"#18794e",busy:"#1d5fc4",idle:"#5b6472",warn:"#9a5b00",bad:"#c1292e"};var ze=new Intl.NumberFormat("en");function C(e){return ze.format(e)}function H(e,t,n=\`\${t}s\`){return\`\${C(e)} \${e===1?t:n}\`}function B(e){if(e>0&&e<.05)return"under 0.1/s";let t=e<9.95?1:0;return\`\${ze.format(Number(e.toFixed(t)))}/s\`}var Ve=["byte","kilobyte","megabyte","gigabyte","terabyte"];function q(e){let t=Math.min(Math.floor(Math.log10(Math.max(e,1))/3),Ve.length-1);return new Intl.NumberFormat("en",{style:"unit",unit:Ve[t],maximumFractionDigits:1}).format(e/1e3**t)}function Xe(e){return\`\${Math.floor(e*100+1e-9)} %\`}function x(e){if(e>0&&e<.05)return"under 0.1 s";if(e<9.95)return\`\${Number(e.toFixed(1))} s\`;let t=Math.round(e),n=[];for(let[r,s]of Zt){let i=Math.floor(t/s);t-=i*s;let l=n.length===0;if(!(l&&i===0)&&(n.push(i===0?"":\`\${i} \${r}\`),!l))break}return n.filter(r=>r!=="").join(" ")}var Zt=[["d",86400],["h",3600],["min",60],["s",1]];function M(e,t){let n=new Date(e).toISOString(),[r="",s=""]=n.slice(0,19).split("T");return new Date(t).toISOString().startsWith(r)?s:\`\${r} \${s}\`}function Ze(e,t){let[,n]=/^\\d{4}-.*(\\.\\d+)Z$/.exec(e)??[];return n===void 0?e:M(e,t)+n}function Z(e,t){return Math.max(0,(Date.parse(t)-Date.parse(e))/1e3)}function k(e){return e.toWellFormed().replaceAll(/[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]/gu,t=>\`\\\\u{\${t.codePointAt(0)?.toString(16)}}\`)}var Qt={bad:"bad",warn:"warn",info:"idle"};function Qe({problems:e,at:t}){return e.length===0?null:o("section",{"aria-labelledby":"problems",children:[o("h2",{id:"problems",children:"Also to look at"}),o("ul",{class:"problems",children:e.map(n=>{let r=Qt[n.severity];return o("li",{class:"problem","data-mood":r,children:[o(D,{sign:W[r]}),o("div",{children:[o("h3",{children:k(n.title)}),o(me,{problem:n,at:t})]})]},n.title)})})]})}function me({problem:{detail:e,advice:t,command:n,since:r},at:s}){return o(S,{children:[r!==void 0&&o("p",{class:"quiet",children:["Since ",M(r,s),", for"," ",x(Math.round(Z(r,s)))]}),e!==void 0&&o("p",{children:k(e)}),t!==void 0&&o(ge,{text:t}),n!==void 0&&o("p",{children:o("code",{children:k(n)})})]})}function ge({text:e}){return o("p",{children:[o("strong",{children:"What to do:"})," ",k(e)]})}function Je({verdict:{mood:e,headline:t,detail:n,advice:r,problem:s},at:i}){return o("section",{class:"banner","data-mood":e,"aria-labelledby":"verdict",children:[o(D,{sign:W[e]}),o("div",{children:[o("h2",{id:"verdict",children:o("span",{role:"status",children:k(t)})}),s!==void 0&&i!==void 0&&o(me,{problem:s,at:i}),n!==void 0&&o("p",{children:k(n)}),r!==void 0&&o(ge,{text:r})]})]})}var ye,L,ve,Ke,Ye=Object.is,we=0,lt=[],be=[],T=v,et=T.__b,tt=T.__r,nt=T.diffed,ot=T.__c,rt=T.unmount,it=T.__;function Jt(e,t){T.__h&&T.__h(L,e,we||t),we=0;var n=L.__H||(L.__H={__:[],__h:[]});return e>=n.__.length&&n.__.push({}),n.__[e]}function ct(e){return we=1,Kt(dt,e)}function Kt(e,t,n){var r=Jt(ye++,2);if(r.t=e,!r.__c&&(r.__=[n?n(t):dt(void 0,t),function(i){var l=(r.__N||r.__)[0],a=r.t(l,i);Ye(l,a)||(r.__N=[a,r.__[1]],r.__c.setState({}))}],r.__c=L,!L.__f)){L.__f=!0;var s=L.shouldComponentUpdate;L.shouldComponentUpdate=function(i,l,a){var u=this.__H;if(!u)return!0;var _=!1,d=this.props!=i;if(u.__.some(function(m){m.__N&&(_=!0,Ye(m.__[0],m.__N[0])||(d=!0))}),s){var p=s.call(this,i,l,a);return _?p||d:p}return!_||d}}return r.__}function Yt(){var e;do{for(;e=be.shift();)try{Q(e)}catch(n){T.__e(n,{__:(e=e.__P)&&e.__v})}for(;e=lt.shift();){var t=e.__H;if(e.__P&&t)try{t.__h.some(Q),t.__h.some(xe),t.__h=[]}catch(n){t.__h=[],T.__e(n,e.__v)}}}while(be.length)}T.__b=function(e){L=null,et&&et(e)},T.__=function(e,t){e&&t.__k&&t.__k.__m&&(e.__m=t.__k.__m),it&&it(e,t)},T.__r=function(e){tt&&tt(e),ye=0;var t=(L=e.__c).__H;t&&(ve==L?L.__h=[]:(t.__h.some(Q),t.__h.some(xe),ye=0),t.__h=[],t.__.some(function(n){n.__N&&(n.__=n.__N),n.u=n.__N=void 0})),ve=L},T.diffed=function(e){nt&&nt(e);var t=e.__c;t&&t.__H&&(t.__H.__h.length&&at(lt.push(t)),t.__H.__.some(function(n){n.u&&(n.__H=n.u)})),ve=L=null},T.__c=function(e,t){t.some(function(n){try{n.__h.some(Q),n.__h=n.__h.filter(function(r){return!r.__||xe(r)})}catch(r){n.__h=[function(){throw r}]}}),ot&&ot(e,t)},T.unmount=function(e){rt&&rt(e);var t,n,r=e.__c;r&&r.__H&&(r.__H.__.some(function(s){try{if(s.__P&&s.__c){if(n===void 0){for(n=e.__;n&&(!n.__c||!n.__c.__P);)n=n.__;n=n&&n.__c}s.__P=n,at(be.push(s))}else Q(s)}catch(i){t=i}}),r.__H=void 0,t&&T.__e(t,r.__v))};var st=typeof requestAnimationFrame=="function";function en(e){var t,n=function(){clearTimeout(r),st&&cancelAnimationFrame(t),setTimeout(e)},r=setTimeout(n,35);st&&(t=requestAnimationFrame(n))}function at(e){e!=1&&Ke==T.requestAnimationFrame||((Ke=T.requestAnimationFrame)||en)(Yt)}function Q(e){var t=L,n=e.__c;typeof n=="function"&&(e.__c=void 0,n()),L=t}function xe(e){var t=L;e.__c=e.__(),L=t}function dt(e,t){return typeof t=="function"?t(e):t}function ut(e,t){let n=[],r;for(let[s,i]of e.values.entries()){if(i===null){r=void 0;continue}r===void 0&&n.push(r=[]),r.push({x:Se(e,s),y:Math.min(i/t,1)})}return n}function Se({values:e,capacity:t},n){let r=Math.max(t,e.length,2)-1;return 1-(e.length-1-n)/r}function _t(e,t){let{values:n,capacity:r}=e;if(n.length===0)return;let s=Math.max(r,n.length,2)-1,i=n.length-1-Math.round((1-t)*s);return Math.min(Math.max(i,0),n.length-1)}function ke(e){let t=10**Math.floor(Math.log10(e)),n=tn.find(r=>r*t>=e)??10;return Number((n*t).toPrecision(1))}var tn=[1,2,4,5,6];function ft(e){return e<=10?ke(e):nn.find(n=>n>=e)??Math.ceil(e/86400)*86400}var nn=[15,20,30,40,60,120,300,600,900,1200,1800,2400,3600,7200,14400,21600,43200,86400];function ht(e,t){let n=[];for(let r=e.length;r>0;r-=t){let s=Math.max(0,r-t),i=e.slice(s,r).filter(a=>a!==null),l=i.reduce((a,u)=>a+u,0);n.push({from:e.length-s,to:e.length-r,mean:i.length===0?null:l/i.length,most:i.length===0?null:Math.max(...i)})}return n}var G=1e3,J=100,on=[600,1800,3600],pt=300;function $e(e){let{title:t,values:n,periodSeconds:r,leastTop:s,format:i,roundUp:l}=e,[a,u]=ct(),_=on.find(f=>f>=n.length*r)??3600,d=Math.round(_/r),p={values:n.slice(-d),capacity:d},m=p.values.filter(f=>f!==null),c=Math.max(s,...m),h=l(c),$=ut(p,h),g=a===void 0?void 0:_t(p,a);function y({currentTarget:f,clientX:w}){let{left:b,width:z}=f.getBoundingClientRect();u(Math.min(Math.max((w-b)/z,0),1))}return o("figure",{class:"chart",children:[o("figcaption",{children:[o("span",{class:"chart-title",children:t}),o("span",{class:"chart-value",children:g===void 0?mt(p.values,i):sn(e,p,g)})]}),o("div",{class:"chart-area",children:[m.length===0?o("span",{class:"chart-empty",children:"The first value comes in a moment"}):o("span",{class:"chart-top","aria-hidden":"true",children:i(h)}),o("svg",{role:"img","aria-hidden":m.length===0,"aria-label":\`\${t} over the last \${x(_)}: \${mt(p.values,i)}\`,viewBox:\`0 0 \${G} \${J}\`,preserveAspectRatio:"none",onPointerMove:y,onPointerLeave:()=>u(void 0),children:[o("path",{class:"chart-grid",d:\`M0 \${J/2}H\${G}\`}),$.map((f,w)=>o("path",{class:"chart-fill",d:an(f)},w)),$.map((f,w)=>o("path",{class:"chart-line",d:gt(f)},w)),g!==void 0&&o("path",{class:"chart-cursor",d:\`M\${G*Se(p,g)} 0V\${J}\`})]})]}),o("p",{class:"chart-axis","aria-hidden":"true",children:[o("span",{children:[x(_)," ago"]}),o("span",{children:[x(_/2)," ago"]}),o("span",{children:"now"})]}),m.length>0&&o(rn,{...e,values:p.values})]})}function rn({title:e,values:t,periodSeconds:n,endedAt:r,format:s}){let i=Math.max(1,Math.round(pt/n)),l=u=>new Date(Date.parse(r)-u*n*1e3).toISOString(),a=u=>u===null?"not known":s(u);return o("details",{children:[o("summary",{children:[e," as a table"]}),o("table",{children:[o("caption",{class:"unseen",children:[e,", in stretches of ",x(pt)]}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"Until"}),o("th",{scope:"col",class:"number",children:"On average"}),o("th",{scope:"col",class:"number",children:"At most"})]})}),o("tbody",{children:ht(t,i).map(({to:u,mean:_,most:d})=>o("tr",{children:[o("th",{scope:"row",children:M(l(u),r)}),o("td",{class:"number",children:a(_)}),o("td",{class:"number",children:a(d)})]},u))})]})]})}function mt(e,t){let n=e.filter(i=>i!==null);if(n.length===0)return"";let r=e.at(-1)??null,s=\`\${t(Math.max(...n))} at most\`;return r===null?s:\`\${t(r)} now, \${s}\`}function sn({periodSeconds:e,endedAt:t,format:n},{values:r},s){let i=r[s]??null,l=(r.length-1-s)*e*1e3,a=new Date(Date.parse(t)-l).toISOString(),u=i===null?"not known":n(i);return\`\${M(a,t)}: \${u}\`}function gt(e){let[t,...n]=e.map(({x:r,y:s})=>\`\${(r*G).toFixed(1)} \${((1-s)*J).toFixed(1)}\`);return n.length===0?\`M\${t}h0\`:\`M\${t}L\${n.join("L")}\`}function an(e){let t=((e[0]?.x??0)*G).toFixed(1),n=((e.at(-1)?.x??0)*G).toFixed(1);return\`\${gt(e)}L\${n} \${J}H\${t}Z\`}function O({text:e}){return o("bdi",{class:"id",children:k(e).split(/(?<=[_./:-])/).flatMap((t,n)=>n===0?[t]:[o("wbr",{},n),t])})}function vt({report:e,loss:t},n){if(t!==void 0)return ln(t,e);if(e===void 0)return{mood:"busy",headline:"Asking the agent"};let[r]=n;return r?.severity==="bad"?{mood:"bad",headline:r.title,problem:r}:cn(e)??dn(e.indexes)??un(e,r)}function ln({reason:e,seconds:t},n){let r=\`\${x(Math.round(t))} ago\`;return{mood:"bad",headline:"The agent does not answer",detail:\`\${n===void 0?\`It has not answered since this page was opened, \${r}\`:\`It answered last at \${M(n.at,n.at)} UTC, \${r}\`}. Now \${e}.\`,advice:"Look whether its process runs, and at the end of its log. This page goes on asking"}}function cn({role:e}){switch(e){case"standby":return{mood:"idle",headline:"Standby: another agent writes",detail:"This one takes over within seconds of the other's end. Nothing is to be done."};case"starting":return{mood:"busy",headline:"The agent is starting"};case"stopping":return{mood:"idle",headline:"The agent is stopping",detail:"It finishes what is in flight, and saves where it is."};case"none":return{mood:"idle",headline:"No agent writes"};case"writer":return}}function dn(e){let t=e.filter(({state:i})=>i==="loading"),[n]=t;if(n===void 0)return;let r=t.length===1?\`Loading \${n.name}\`:\`Loading \${H(t.length,"index","indexes")}\`,s=t.length===1?K(n):void 0;return{mood:"busy",headline:r,...s&&{detail:s}}}function K({load:e}){if(e===void 0)return;let{documents:t,total:n,share:r,leftSeconds:s}=e;if(n===void 0||r===void 0)return\`\${H(t,"document")} so far.\`;let i=s===void 0?"":\`, about \${x(Math.ceil(s))} left\`;return\`\${Xe(r)} of about \${C(n)} documents\${i}.\`}function un({indexes:e,readiness:t},n){let r=_n(e);if(n!==void 0)return{mood:n.severity==="warn"?"warn":"idle",headline:n.title,...r,problem:n};let[s]=t.reasons;return s!==void 0?{mood:"busy",headline:"The agent is not ready yet",detail:\`\${s}.\`}:{mood:"good",headline:"All is well",...r}}function _n(e){let t=e.filter(({state:i})=>i==="following"),n=t.map(({lagSeconds:i})=>i).filter(i=>i!==void 0);if(n.length===0||n.length<t.length)return;let r=t.length===1?\`in \${t[0]?.name}\`:\`in all \${t.length} followed indexes\`;return{detail:\`Whatever was committed more than \${x(Math.max(1,Math.ceil(Math.max(...n))))} ago is \${r}.\`}}var fn={next:"Next: is to be searched once it is full and compared",old:"Old: was searched before, and is kept"},Me=2e4;function yt({deadLetters:{count:e,newest:t},at:n}){if(e===0)return null;let r=t.length<e;return o(S,{children:[o("h4",{children:"Dead letters"}),o("table",{children:[o("caption",{children:[H(e,"document")," refused for good",r&&t.length>0&&o(S,{children:[", the newest ",t.length]})]}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"Document"}),o("th",{scope:"col",children:"Refused by"}),o("th",{scope:"col",class:"time",children:"At"})]})}),o("tbody",{children:t.map(s=>o(hn,{letter:s,today:n},s.id))})]})]})}function hn({letter:{id:e,type:t,field:n,at:r,document:s},today:i}){let l=e===""?"(an empty text)":e;return o(S,{children:[o("tr",{children:[o("th",{scope:"row",children:o(O,{text:l})}),o("td",{children:[o(O,{text:t}),n!==void 0&&o(S,{children:[" ","in field ",o(O,{text:n})]})]}),o("td",{class:"time",children:M(r,i)})]}),s!==void 0&&o("tr",{class:"more",children:o("td",{colSpan:3,children:o("details",{children:[o("summary",{children:["What was sent",o("span",{class:"unseen",children:["of ",k(l)]})]}),o("pre",{children:pn(k(s))})]})})})]})}function pn(e){return e.length<=Me?e:\`\${e.slice(0,Me)} \\u2026 and \${C(e.length-Me)} characters more\`}function wt({errors:e,at:t}){return e.length===0?null:o(S,{children:[o("h4",{children:"Last errors"}),o("table",{children:[o("caption",{children:"The latest of each kind since the agent started"}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"What, and what to do"}),o("th",{scope:"col",class:"time",children:"Last"})]})}),o("tbody",{children:e.map(({kind:n,message:r,advice:s,count:i,lastAt:l})=>o("tr",{children:[o("th",{scope:"row",children:[k(r),o("span",{class:"quiet",children:k(s)})]}),o("td",{class:"time",children:[M(l,t),i>1&&o("span",{class:"quiet",children:[C(i)," times"]})]})]},\`\${n} \${r}\`))})]})]})}function bt({tables:e,at:t}){return e.length===0?null:o(S,{children:[o("h4",{children:"Watched tables"}),o("table",{children:[o("caption",{children:"Changes up to here are in the index"}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"Table"}),o("th",{scope:"col",children:"Up to"}),o("th",{scope:"col",class:"number",children:"Ago"})]})}),o("tbody",{children:e.map(({name:n,watermark:r,lagSeconds:s})=>o("tr",{children:[o("th",{scope:"row",children:o(O,{text:n})}),o("td",{children:r===void 0?"not known":Ze(r,t)}),o("td",{class:"number",children:s===void 0?"\\u2013":x(s)})]},n))})]})]})}function xt({generations:e,at:t}){return e===void 0||e.length===0?null:o(S,{children:[o("h4",{children:"Other indexes of this name"}),o("table",{children:[o("caption",{children:"Physical indexes beside the one that is followed"}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"Index"}),o("th",{scope:"col",children:"Role"}),o("th",{scope:"col",class:"time",children:"Since"})]})}),o("tbody",{children:e.map(({name:n,role:r,since:s,load:i})=>o("tr",{children:[o("th",{scope:"row",children:o(O,{text:n})}),o("td",{children:[fn[r],i!==void 0&&o("span",{class:"quiet",children:["Load: ",K({load:i})]})]}),o("td",{class:"time",children:M(s,t)})]},n))})]})]})}var Te={waiting:{mood:"idle",sign:"clock",word:"Waits"},loading:{mood:"busy",sign:"load",word:"Loads"},following:{mood:"good",sign:"check",word:"Follows"},paused:{mood:"idle",sign:"pause",word:"Paused"},failed:{mood:"bad",sign:"cross",word:"Failed"}};function St({index:e,id:t,at:n}){let{name:r,physicalIndex:s,state:i,reason:l,history:a,lastPass:u}=e,{mood:_,sign:d,word:p}=Te[i],{periodSeconds:m,endedAt:c}=a,h={periodSeconds:m,endedAt:c};return o("section",{class:"index",id:t,"aria-labelledby":\`\${t}-name\`,children:[o("header",{children:[o("h3",{id:\`\${t}-name\`,children:o("bdi",{children:k(r)})}),o("p",{class:"state","data-mood":_,children:[o(D,{sign:d})," ",p]}),s!==void 0&&s!==r&&o("p",{class:"quiet",children:["as ",o(O,{text:s})]})]}),l!==void 0&&o("p",{children:k(l)}),o(mn,{index:e,at:n}),o(gn,{index:e}),o("div",{class:"charts",children:[o($e,{...h,title:"Documents a second",values:a.perSecond,leastTop:1,format:B,roundUp:ke}),o($e,{...h,title:"Lag",values:a.lagSeconds,leastTop:1,format:x,roundUp:ft})]}),o(yt,{deadLetters:e.deadLetters,at:n}),o(wt,{errors:e.errors,at:n}),o(xt,{generations:e.generations,at:n}),u!==void 0&&o(S,{children:[o("h4",{children:"Last pass"}),o("p",{children:vn(u,n)})]}),o(bt,{tables:e.tables,at:n})]})}function mn({index:e,at:t}){let{load:n,name:r}=e;if(n===void 0)return null;let{documents:s,share:i,perSecond:l,startedAt:a}=n;return o("div",{class:"load",children:[o("progress",{"aria-label":\`Full load of \${r}\`,...i===void 0?{}:{value:i}}),o("p",{children:["Full load: ",K(e)," ",o("span",{class:"quiet",children:[C(s)," done since ",M(a,t),","," ",B(l)]})]})]})}function gn({index:e}){let{lagSeconds:t,perSecond:n,documents:r,deadLetters:s,follow:i}=e,{written:l,superseded:a}=r;return o("dl",{class:"figures",children:[o(V,{name:"Lag",value:t===void 0?"not known":x(t)}),i!==void 0&&o(V,{name:"Changes come",value:i.way==="wal"?"by the log":"by polling",isWarning:i.way==="polling"}),o(V,{name:"Rate, last minute",value:B(n)}),o(V,{name:"Written",value:C(l)}),o(V,{name:"Superseded",value:C(a)}),o(V,{name:"Dead letters",value:C(s.count),isWarning:s.count>0})]})}function V({name:e,value:t,isWarning:n=!1}){return o("div",{class:n?"figure warning":"figure",children:[o("dt",{children:e}),o("dd",{children:t})]})}function vn({kind:e,startedAt:t,seconds:n,written:r,superseded:s,rejected:i,finished:l},a){let u=e==="load"?"A full load":"Changes",_=l?"":", cut short";return\`\${u} at \${M(t,a)}, in \${x(n)}\${_}: \${C(r)} written, \${C(s)} superseded, \${C(i)} refused.\`}function kt({indexes:e,anchorOf:t}){return o("table",{class:"overview",children:[o("caption",{class:"unseen",children:"All indexes"}),o("thead",{children:o("tr",{children:[o("th",{scope:"col",children:"Index"}),o("th",{scope:"col",children:"State"}),o("th",{scope:"col",class:"number",children:"Lag"}),o("th",{scope:"col",class:"number wide",children:"Last minute"}),o("th",{scope:"col",class:"number",children:"Dead letters"})]})}),o("tbody",{children:e.map((n,r)=>o(yn,{index:n,anchor:t(r)},n.name))})]})}function yn({index:e,anchor:t}){let{name:n,state:r,lagSeconds:s,perSecond:i,deadLetters:l}=e,{mood:a,sign:u,word:_}=Te[r];return o("tr",{children:[o("th",{scope:"row",children:o("a",{href:\`#\${t}\`,children:o("bdi",{children:k(n)})})}),o("td",{class:"state","data-mood":a,children:[o(D,{sign:u})," ",_]}),o("td",{class:"number",children:s===void 0?"\\u2013":x(s)}),o("td",{class:"number wide",children:B(i)}),o("td",{class:"number",children:C(l.count)})]})}var wn={unknown:{mood:"idle",word:"Not asked yet"},reached:{mood:"good",word:"Answers"},lost:{mood:"bad",word:"Does not answer"}},bn={starting:{mood:"busy",word:"Is starting"},standby:{mood:"idle",word:"Waits as a standby"},writer:{mood:"good",word:"Writes"},stopping:{mood:"idle",word:"Is stopping"},none:{mood:"idle",word:"Does not run"}};function Mt({report:e,isLost:t}){let{servers:n,at:r,role:s,since:i,startedAt:l,version:a}=e,{oldestTransactionSeconds:u,slot:_}=n.postgresql,{mood:d,word:p}=t?{mood:"bad",word:"Does not answer"}:bn[s];return o("section",{"aria-labelledby":"servers",children:[o("h2",{id:"servers",class:"unseen",children:"Servers"}),o("ul",{class:"servers",children:[o($t,{name:"PostgreSQL",server:n.postgresql,at:r,children:[u!==void 0&&o("p",{children:["Oldest open transaction:"," ",x(u)]}),_!==void 0&&o("p",{children:xn(_)})]}),o(Tt,{name:"pg2es",mood:d,word:p,since:t?void 0:i,at:r,children:o("p",{children:["Version ",a,l!==void 0&&o(S,{children:[", up ",x(Math.round(Z(l,r)))]})]})}),o($t,{name:"Elasticsearch",server:n.elasticsearch,at:r})]})]})}function xn({name:e,keptBytes:t,maxBytes:n,lagBytes:r}){return\`Log kept for the slot \${e}: \${q(t)}, \${q(n)} at most; \${q(r)} not confirmed\`}function $t({name:e,server:{state:t,since:n,lastError:r},at:s,children:i}){let{mood:l,word:a}=wn[t];return o(Tt,{name:e,mood:l,word:a,since:n,at:s,children:[i,t==="reached"&&r!==void 0&&o("p",{children:["Last failure at ",M(r.lastAt,s)]})]})}function Tt({name:e,mood:t,word:n,since:r,at:s,children:i}){return o("li",{class:"card","data-mood":t,children:[o("header",{children:[o("h3",{children:e}),o("p",{class:"state",children:[o(D,{sign:W[t]})," ",n]})]}),r!==void 0&&o("p",{children:["For ",x(Math.round(Z(r,s))),", since"," ",M(r,s)]}),i]})}function Ct({feed:{report:e,loss:t},verdict:n,problems:r}){let s=t!==void 0;return o(S,{children:[o("header",{class:"top",children:[o("h1",{children:"pg2es"}),e!==void 0&&o("p",{class:"quiet",children:[s?"As it was at":"As of"," ",o("time",{datetime:e.at,children:[M(e.at,e.at)," UTC"]})]})]}),o("main",{children:[o(Je,{verdict:n,at:e?.at}),e!==void 0&&o("div",{class:s?"report stale":"report",children:[o(Qe,{problems:r.filter(i=>i!==n.problem),at:e.at}),o(Mt,{report:e,isLost:s}),o(Sn,{report:e})]})]}),o("footer",{children:o("p",{children:["All times are UTC, by the agent's clock. This page asks the agent every two seconds, and changes nothing. What it asks for:"," ",o("a",{href:"status",children:"status"}),". For Prometheus:"," ",o("a",{href:"metrics",children:"metrics"}),"."]})})]})}function Sn({report:e}){let{indexes:t,at:n}=e;return o("section",{"aria-labelledby":"indexes",children:[o("h2",{id:"indexes",class:t.length>1?"":"unseen",children:"Indexes"}),t.length>1&&o(kt,{indexes:t,anchorOf:Lt}),t.map((r,s)=>o(St,{index:r,id:Lt(s),at:n},r.name))]})}function Lt(e){return\`index-\${e+1}\`}function It(e){let t,n=Date.now(),r,s=!1;async function i(){if(s)return;s=!0;let a=Date.now();try{t=await kn(),n=Date.now(),e({report:t})}catch(u){let _=(Date.now()-n)/1e3,d={reason:Mn(u),seconds:_};e(t===void 0?{loss:d}:{report:t,loss:d})}s=!1,l(Math.max(0,a+2e3-Date.now()))}function l(a){clearTimeout(r),document.visibilityState!=="hidden"&&(r=setTimeout(i,a))}document.addEventListener("visibilitychange",()=>l(0)),l(0)}var Y=class extends Error{};async function kn(){let e=await fetch("status",{cache:"no-store",signal:AbortSignal.timeout(5e3)});if(!e.ok)throw new Y(\`it answers \${e.status}\`);let t=await e.text(),n=$n(t);if(n!==void 0)return n;throw new Y("something else answers there")}function $n(e){try{let t=JSON.parse(e);return typeof t?.version=="string"?t:void 0}catch{return}}function Mn(e){return e instanceof Y?e.message:e instanceof DOMException&&e.name==="TimeoutError"?\`nothing comes within \${5e3/1e3} seconds\`:"no connection can be made"}var Tn=300,Ln=.8,Cn=60;function Pt(e){let{servers:t,indexes:n,health:r}=e,s=[...jt("PostgreSQL",t.postgresql),...jt("Elasticsearch",t.elasticsearch),...n.flatMap(jn),...In(t.postgresql.oldestTransactionSeconds),...Dn(t.postgresql.slot)];return!r.ok&&!s.some(({severity:i})=>i==="bad")&&s.push(...r.reasons.map(i=>({severity:"bad",title:i,advice:"Restart the agent: it goes on where it was. Its log says more"}))),s.toSorted((i,l)=>Dt(i)-Dt(l))}function Dt({severity:e}){return["bad","warn","info"].indexOf(e)}function jt(e,{state:t,since:n,lastError:r}){if(t!=="lost")return[];let s=r?.kind==="server-refused",i=r&&{detail:r.message};return[{severity:"bad",title:s?\`\${e} refuses the agent\`:\`\${e} does not answer\`,...i,advice:r?.advice??"Start the server, or mend the network; the agent goes on by itself",since:n}]}function In(e=0){return e<Tn?[]:[{severity:"warn",title:"A transaction in PostgreSQL stays open",detail:"What it changes is found when it ends; nothing is lost.",advice:"Look at pg_stat_activity, and end the transaction where nobody needs it"}]}function Dn(e){if(e===void 0)return[];let{name:t,keptBytes:n,maxBytes:r}=e;return n<=Ln*r?[]:[{severity:"warn",title:"PostgreSQL keeps much of its log for the agent",detail:\`\${q(n)} for the slot \${t}. At \${q(r)} the agent drops it, polls, and compares everything; nothing is lost.\`,advice:"Look at what is slow or held up: Elasticsearch, or a transaction that stays open"}]}function jn(e){let{name:t,state:n,pausedSince:r,deadLetters:s,lagSeconds:i=0,follow:l}=e,a=[];if((n==="failed"||n==="waiting")&&a.push(...Pn(e,n)),n==="following"&&i>Cn&&a.push({severity:"warn",title:\`\${t} is behind\`,detail:"Changes wait for others that are on their way.",advice:"Nothing while its lag falls, as after an outage; else look at what is slow: both servers, and the query of a document. With a fetch_delay of a minute and more it is as it is to be"}),l?.way==="polling"&&n==="following"){let{reason:u}=l;a.push({severity:"warn",title:\`\${t} is followed by polling for now\`,detail:u===void 0?"Changes come later than by the log; nothing is lost.":u,advice:"Nothing, where it passes: the agent joins the log by itself as soon as it can. Else \`pg2es check\` says what to set"})}return s.count>0&&a.push(Nn(s.count,t)),n==="paused"&&a.push({severity:"info",title:\`\${t} is paused\`,detail:"It stays as it is until it is resumed.",command:\`pg2es resume --index \${At(t)}\`,...r===void 0?{}:{since:r}}),a}function Pn({name:e,reason:t,errors:n},r){let s=n.find(({message:d})=>d===t);if(r==="failed")return[{severity:"bad",title:\`\${e} has failed, and the agent ends\`,...t===void 0?{}:{detail:t},advice:s?.advice??"Look at the last lines of the agent's log"}];if(s===void 0||An(s))return[];let{kind:i,message:l,advice:a,firstAt:u}=s,_=i==="sink-busy";return[{severity:_?"warn":"bad",title:_?\`\${e} is held up\`:\`\${e} stands still\`,detail:l,advice:a,since:u}]}function An({kind:e}){return e==="server-unavailable"||e==="server-refused"}function Nn(e,t){return{severity:"warn",title:\`\${H(e,"document")} of \${t} \${e===1?"is":"are"} refused\`,detail:"They are dead letters: all other documents go on.",advice:"Mend the mapping, the query or the rows, then take them up again",command:\`pg2es replay --index \${At(t)}\`}}function At(e){return/^[\\w.-]+$/.test(e)?e:\`'\${e.replaceAll("'","'\\\\''")}'\`}var Nt=document.querySelector("#root"),On=document.querySelector("link[rel=icon]"),Le;function Ot(e){let{report:t}=e;if(t!==void 0){if(Le!==void 0&&Le!==t.version){location.reload();return}Le=t.version}let n=t===void 0?[]:Pt(t),r=vt(e,n);document.title=\`\${k(r.headline)} \\u2013 pg2es\`,On?.setAttribute("href",Ge(r.mood)),Nt!==null&&qe(o(Ct,{feed:e,verdict:r,problems:n}),Nt)}Ot({});It(Ot);
</script>
  </body>
</html>
`;

/** The hash of its only script, as a policy names it. */
export const SCRIPT_HASH = "sha256-mx4sCBKkfdmwSH3EhUSj1FRzVSWgNmUDJRJeiBJwBXQ=";

/** The hash of its only style. */
export const STYLE_HASH = "sha256-HAgJ+p/WwnugdT2Cf96GrtdnLOpchJWwtL89C11IAdw=";
