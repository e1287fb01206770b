import { ActionIcon, Tooltip, useMantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconMoon, IconSun } from '@tabler/icons-react';
import type { Environment } from '../../shared/client/bridge.ts';
import { useLive } from '../live/console-context.tsx';

const connectionWords = { connecting: 'Connecting', live: 'Live', lost: 'Not connected', 'signed-out': 'Signed out' };

export function TopBar({ environment }: { readonly environment: Environment | null }) {
  const connection = useLive((state) => state.connection.state);
  const healthLab = useLive((state) => state.lab);
  const version = useLive((state) => state.version);
  const lab = environment?.lab ?? healthLab;
  return (
    <header className="top-bar">
      <Tooltip label={versionWords(environment, version)} multiline openDelay={300}>
        <span className="brand">
          <img src="/icon.svg" alt="" />
          OSSEA Migration Console
        </span>
      </Tooltip>
      {lab && <span className="lab-mark">Demo environment</span>}
      <span className="fill" />
      {environment?.mode === 'client' && (
        <Tooltip label="Another process owns this data directory and does the work; this window shows and commands it.">
          <span className="soft">Second window</span>
        </Tooltip>
      )}
      <span className={`live-mark ${connection}`} role="status">
        {connectionWords[connection]}
      </span>
      <ThemeToggle />
    </header>
  );
}

const schemes = ['auto', 'dark', 'light'] as const;
const schemeWords = { auto: 'system', dark: 'dark', light: 'light' };
const schemeIcons = { auto: IconDeviceDesktop, dark: IconMoon, light: IconSun };

function ThemeToggle() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const next = schemes[(schemes.indexOf(colorScheme) + 1) % schemes.length] ?? 'auto';
  const Icon = schemeIcons[colorScheme];
  const label = `Theme: ${schemeWords[colorScheme]}. Change to ${schemeWords[next]}`;
  return (
    <Tooltip label={label} openDelay={300}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={label}
        onClick={() => {
          setColorScheme(next);
        }}
      >
        <Icon size={16} />
      </ActionIcon>
    </Tooltip>
  );
}

function versionWords(environment: Environment | null, daemon: string | null): string {
  if (environment === null) return `Daemon ${daemon ?? 'not known yet'}`;
  const { console, electron, chrome } = environment.versions;
  return `Console ${console}, Electron ${electron}, Chromium ${chrome}. ${environment.dataDir}`;
}
