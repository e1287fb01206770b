import { createRoot } from 'react-dom/client';
import '@mantine/core/styles.css';
import './ui/tokens.css';
import './ui/page.css';
import { Console } from './app/console.tsx';
import { pageClock } from './live/clock.ts';

const root = document.getElementById('console');
if (root === null) throw new Error('index.html has no #console');

const ended = new AbortController();
window.addEventListener('pagehide', () => {
  ended.abort();
});
createRoot(root).render(<Console page={window} clock={pageClock} signal={ended.signal} />);
