/** Puts the page together: city, link, view; then mounts it. */
import { mount } from 'svelte';
import App from './App.svelte';
import { Desk } from './desk.svelte';
import { City } from './live/city.svelte';
import { Link } from './live/link';
import { browserPorts, framePainter } from './live/ports';
import { View } from './view.svelte';
import './app.css';

const city = new City(framePainter());
const link = new Link(browserPorts(() => city.loadSnapshot()), city);
const desk = new Desk(city, new View(location.search), link);

const target = document.getElementById('app');
if (target) mount(App, { target, props: { desk } });
link.start();
