import type { AssignerProtocol, Cluster, GroupMember as JoinedMember, GroupMemberAssignment } from 'kafkajs';
import { formatPartition, parsePartition } from '../../record/record.ts';
import { balance, type Claim } from '../balance.state.ts';
import type { ClusterInternals } from './internals.ts';
import type { OwnClaim } from './ownership.state.ts';

/** The layout that kafkajs writes, whatever number it is given. */
export const metadataVersion = 0;

/** The leader's part: reads the members' claims, and lets `balance` decide. */
export async function assign(
  protocol: typeof AssignerProtocol,
  lent: Cluster,
  members: readonly JoinedMember[],
): Promise<GroupMemberAssignment[]> {
  const cluster = lent as unknown as ClusterInternals;
  const claims = members.map((member) => readClaim(protocol, member));
  const topics = [...new Set(claims.flatMap((claim) => claim.topics))];
  for (const topic of topics) await cluster.addMultipleTargetTopics([topic]).catch(() => undefined); // another's topic may be missing
  const all = topics.flatMap((topic) =>
    cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => formatPartition({ topic, partition: partitionId })),
  );
  return [...balance(all, claims)].map(([memberId, keys]) => {
    const assignment: Record<string, number[]> = {};
    for (const { topic, partition } of keys.map(parsePartition)) (assignment[topic] ??= []).push(partition);
    return {
      memberId,
      memberAssignment: protocol.MemberAssignment.encode({ version: metadataVersion, assignment, userData: Buffer.alloc(0) }),
    };
  });
}

/** A member whose claim cannot be read has none: the broker has already made sure that it speaks this protocol. */
function readClaim(protocol: typeof AssignerProtocol, { memberId, memberMetadata }: JoinedMember): Claim {
  const metadata = protocol.MemberMetadata.decode(memberMetadata);
  const nothing: OwnClaim = { generation: -1, owned: [], revoking: [] };
  let claim: OwnClaim = nothing;
  try {
    const read: unknown = JSON.parse(metadata?.userData.toString() ?? '');
    if (isClaim(read)) claim = read;
  } catch {
    // not ours
  }
  return { memberId, topics: metadata?.topics ?? [], ...claim };
}

function isClaim(value: unknown): value is OwnClaim {
  if (typeof value !== 'object' || value === null) return false;
  const { generation, owned: held, revoking } = value as Partial<Record<keyof OwnClaim, unknown>>;
  return (
    typeof generation === 'number' && [held, revoking].every((list) => Array.isArray(list) && list.every((one) => typeof one === 'string'))
  );
}
