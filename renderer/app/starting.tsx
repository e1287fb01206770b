import { Loading } from '../ui/blank.tsx';
import './full-page.css';

export function Starting() {
  return (
    <main className="full-page">
      <Loading what="Opening the data directory. A first start of the demo environment also makes its disk images." />
    </main>
  );
}
