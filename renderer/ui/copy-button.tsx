import { ActionIcon, Tooltip } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconAlertTriangle, IconCheck, IconCopy } from '@tabler/icons-react';

export function CopyButton({ label, value }: { readonly label: string; readonly value: string }) {
  const clipboard = useClipboard({ timeout: 1500 });
  const refused = clipboard.error !== null;
  const told = refused ? 'The system did not allow it' : clipboard.copied ? 'Copied' : label;
  return (
    <Tooltip label={told} openDelay={300}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="sm"
        className="copy-button"
        aria-label={label}
        onClick={(event) => {
          event.stopPropagation();
          clipboard.copy(value);
        }}
      >
        {refused ? (
          <IconAlertTriangle size={14} />
        ) : clipboard.copied ? (
          <IconCheck size={14} />
        ) : (
          <IconCopy size={14} />
        )}
      </ActionIcon>
    </Tooltip>
  );
}
